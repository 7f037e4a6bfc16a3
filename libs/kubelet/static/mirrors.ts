// Keeps a mirror in the API server of every pod of a manifest, so that it is seen there: whoever deletes it deletes nothing else.
import type { Node, Pod } from '@drydock/api/generated/types.ts';
import { pods } from '@drydock/api/resource.ts';
import { hasReason } from '@drydock/api/status.ts';
import type { ApiClient } from '@drydock/client/api-client.ts';
import type { Clock, Timer } from '@drydock/foundation/clock.ts';
import type { Log } from '@drydock/foundation/log.ts';
import type { RandomStream } from '@drydock/foundation/random.ts';
import { pauseMs } from '../pod/retry.ts';
import { type MirrorStep, mirrors, planMirror } from './mirror-plan.ts';
import { fullName } from './static-pod.ts';

/** What failed is tried again after this, or half as much more, in milliseconds. */
const retryMs = 2_000;

export interface MirrorPorts {
  readonly client: ApiClient;
  readonly clock: Clock;
  readonly random: RandomStream;
  readonly log: Log;
  /** The node in the API server, as last seen. */
  readonly node: () => Node | undefined;
  /** All manifests have been read. */
  readonly isComplete: () => boolean;
  /** Something of the pod of a manifest by that full name runs here. */
  readonly isRunning: (fullName: string) => boolean;
}

export class Mirrors {
  readonly #ports: MirrorPorts;
  /** By full name. */
  readonly #running = new Map<string, Pod>();
  readonly #mirrors = new Map<string, Pod>();
  readonly #busy = new Set<string>();
  readonly #again = new Set<string>();
  readonly #timers = new Map<string, Timer>();
  #stopped = false;

  constructor(ports: MirrorPorts) {
    this.#ports = ports;
  }

  stop(): void {
    this.#stopped = true;
    for (const timer of this.#timers.values()) timer.cancel();
  }

  /** The pod of a manifest runs from now on. */
  add(pod: Pod): void {
    this.#running.set(fullName(pod), pod);
    this.#look(fullName(pod));
  }

  remove(pod: Pod): void {
    const name = fullName(pod);
    if (this.#running.get(name)?.metadata?.uid === pod.metadata?.uid) this.#running.delete(name);
    this.#look(name);
  }

  /** Nothing is left of the pod of a manifest. */
  ended(pod: Pod): void {
    this.#look(fullName(pod));
  }

  /** The API server has this mirror. True where it is a new one, which has been told nothing yet. */
  seen(mirror: Pod): boolean {
    const name = fullName(mirror);
    const before = this.#mirrors.get(name);
    this.#mirrors.set(name, mirror);
    this.#look(name);
    return before?.metadata?.uid !== mirror.metadata?.uid;
  }

  gone(mirror: Pod): void {
    const name = fullName(mirror);
    if (this.#mirrors.get(name)?.metadata?.uid === mirror.metadata?.uid) this.#mirrors.delete(name);
    this.#look(name);
  }

  /** The node, or how much is known of the manifests, has changed. */
  lookAgain(): void {
    for (const name of new Set([...this.#running.keys(), ...this.#mirrors.keys()])) this.#look(name);
  }

  /** The pod in the API server that stands for one of a manifest, and is to have its status. */
  of(pod: Pod): Pod | undefined {
    const mirror = this.#mirrors.get(fullName(pod));
    return mirror !== undefined && mirrors(mirror, pod) && mirror.metadata?.deletionTimestamp === undefined
      ? mirror
      : undefined;
  }

  #look(name: string): void {
    if (this.#stopped) return;
    if (this.#busy.has(name)) {
      this.#again.add(name);
      return;
    }
    this.#busy.add(name);
    this.#timers.get(name)?.cancel();
    this.#timers.delete(name);
    void this.#step(name).finally(() => {
      this.#busy.delete(name);
      if (this.#again.delete(name)) this.#look(name);
    });
  }

  #plan(name: string, mirror: Pod | undefined): MirrorStep {
    const { node, isComplete, isRunning } = this.#ports;
    const pod = this.#running.get(name);
    const isEnding = pod === undefined && isRunning(name);
    return planMirror({ pod, mirror, node: node(), isComplete: isComplete(), isEnding });
  }

  async #step(name: string): Promise<void> {
    const { client, log, clock, random } = this.#ports;
    const mirror = this.#mirrors.get(name);
    let step = this.#plan(name, mirror);
    try {
      if (step?.type === 'delete' && mirror !== undefined) {
        const { namespace = '', name: own = '' } = mirror.metadata ?? {};
        const options = { gracePeriodSeconds: 0, preconditions: { uid: step.uid } };
        await client.delete(pods, { namespace, name: own }, options);
        if (this.#mirrors.get(name) === mirror) this.#mirrors.delete(name);
        // At once, and not when its event comes: who asks in between would be told that there is no such pod.
        step = this.#plan(name, this.#mirrors.get(name));
      }
      if (step?.type === 'create') await client.create<Pod>(pods, step.pod);
    } catch (err) {
      // Gone already, or another one by now: its event comes, or has come.
      if (step?.type === 'delete' && (hasReason(err, 'NotFound') || hasReason(err, 'Conflict'))) return;
      if (this.#stopped) return;
      log.warn({ err, pod: name }, `Failed to ${step?.type} a mirror pod`);
      this.#timers.set(
        name,
        clock.timer(pauseMs(retryMs, random), () => this.#look(name)),
      );
    }
  }
}

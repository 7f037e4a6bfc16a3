// Carries out what was planned for one pod: sandboxes, volumes, starts, ends. Keeps no plan of its own.
import type { Container, Pod } from '@drydock/api/generated/types.ts';
import type { Clock } from '@drydock/foundation/clock.ts';
import type { Cgroups } from '../container/cgroups.ts';
import type { NodeFacts } from '../container/downward.ts';
import { type SandboxSettings, sandboxConfig } from '../container/sandbox-config.ts';
import type { ContainerEngine, SandboxConfig } from '../engine/engine.ts';
import type { Prober } from '../probes/prober.ts';
import type { ReferenceCache } from '../volumes/references.ts';
import type { TokenCache } from '../volumes/tokens.ts';
import type { HostVolume, Volumes } from '../volumes/volumes.ts';
import { tellWaitMs, VolumesFailed } from '../volumes/volumes-failed.ts';
import type { BackoffTable } from './backoff.ts';
import { terminationFile } from './container-mounts.ts';
import { endsAfter } from './end-order.ts';
import type { Gate } from './gate.ts';
import { unlessAborted } from './give-up.ts';
import { Grace } from './grace.ts';
import { removeContainerLog, removeLogFolder } from './log-folders.ts';
import { everyContainerOf, latest, type PodObservation, uidOf } from './observation.ts';
import type { KillAction, PodActions } from './plan-pod.ts';
import { graceOf, type PodRuntime, StartError } from './pod-runtime.ts';
import { type StartProblem, statusOf } from './pod-status.ts';

export interface ActorPorts {
  readonly engine: ContainerEngine;
  readonly clock: Clock;
  readonly runtime: PodRuntime;
  readonly prober: Prober;
  readonly backoff: BackoffTable;
  readonly volumes: Volumes;
  readonly references: ReferenceCache;
  readonly tokens: TokenCache;
  readonly cgroups: Cgroups | undefined;
  readonly facts: Omit<NodeFacts, 'podIps'>;
  readonly settings: Omit<SandboxSettings, 'cgroupParent'>;
  /** How many sandboxes of this node are made at once. */
  readonly sandboxGate: Gate;
  readonly observe: () => Promise<PodObservation>;
  /** The handler that a RuntimeClass names; throws where there is no such class. */
  readonly runtimeHandler: (runtimeClass: string) => Promise<string>;
}

/** What worker and actor share of one pod. */
export interface PodState {
  pod: Pod;
  observed: PodObservation;
  /** Why containers could not be started, by name. */
  readonly problems: Map<string, StartProblem>;
  /** Aborts when the pod is to end: what only serves its start is given up. */
  readonly ending: AbortController;
}

export class PodActor {
  readonly #ports: ActorPorts;
  readonly #state: PodState;
  readonly #report: () => void;
  /** Of the end that is under way. */
  #grace: Grace | undefined;
  /** Since when volumes are not there, or since it was told last that they are not. */
  #waitsSinceMs: number | undefined;

  constructor(ports: ActorPorts, state: PodState, report: () => void) {
    this.#ports = ports;
    this.#state = state;
    this.#report = report;
  }

  get isKilling(): boolean {
    return this.#grace !== undefined;
  }

  facts(): NodeFacts {
    const { facts } = this.#ports;
    const { pod, observed } = this.#state;
    return { ...facts, podIps: pod.spec?.hostNetwork === true ? [facts.hostIp] : observed.ips };
  }

  /** True where something was done, so that another look is due. */
  async act(actions: PodActions): Promise<boolean> {
    const { runtime } = this.#ports;
    const { pod, observed, ending } = this.#state;
    if (actions.killPod) {
      const busy =
        observed.containers.some(({ state }) => state === 'running') || observed.sandboxes.some(({ ready }) => ready);
      if (actions.createSandbox !== undefined && busy)
        runtime.event(pod, 'Normal', 'SandboxChanged', 'Pod sandbox changed, it will be killed and re-created.');
      await this.killAll();
      if (actions.createSandbox === undefined) return busy;
    }
    const kills = Promise.all(actions.kill.map((action) => this.#kill(action)));
    await unlessAborted(kills, ending.signal, 'the pod is being terminated');
    if (actions.createSandbox === undefined && actions.start.length === 0) return actions.kill.length > 0;
    const attempt = actions.createSandbox ?? observed.sandboxes[0]?.attempt ?? 0;
    const { volumes, config } = await this.#prepare(attempt);
    const sandboxId = actions.createSandbox === undefined ? actions.sandboxId : await this.#sandbox(config);
    if (sandboxId === undefined) return false;
    const results = [];
    for (const name of actions.start) results.push(await this.#start(name, sandboxId, config, volumes));
    return actions.kill.length > 0 || results.includes(true);
  }

  /** Makes or refreshes what the pod's containers see of volumes. */
  async prepareVolumes(): Promise<Map<string, HostVolume>> {
    const { tokens, volumes, references } = this.#ports;
    const { pod, ending } = this.#state;
    try {
      await references.follow(pod);
      const token = await tokens.prepare(pod);
      const made = await volumes.prepare({ pod, references, facts: this.facts(), token, ending: ending.signal });
      this.#waitsSinceMs = undefined;
      return made;
    } catch (error) {
      if (!ending.signal.aborted) this.#tellFailed(error as Error);
      throw error;
    }
  }

  #tellFailed(error: Error): void {
    const { runtime, clock } = this.#ports;
    const nowMs = clock.monotonicMs();
    this.#waitsSinceMs ??= nowMs;
    const hasWaited = nowMs - this.#waitsSinceMs >= tellWaitMs;
    if (hasWaited) this.#waitsSinceMs = nowMs;
    const texts = error instanceof VolumesFailed ? error.events(hasWaited) : [error.message];
    for (const text of texts) runtime.event(this.#state.pod, 'Warning', 'FailedMount', text);
  }

  /** Ends all containers within one grace period, sidecars last and in reverse, then the sandboxes. */
  async killAll(): Promise<void> {
    const { engine, prober, clock } = this.#ports;
    const { pod, observed } = this.#state;
    const grace = new Grace(clock, graceOf(pod));
    this.#grace = grace;
    try {
      await this.#endAll(grace);
      for (const sandbox of observed.sandboxes) if (sandbox.ready) await engine.stopSandbox(sandbox.id);
    } finally {
      this.#grace = undefined;
    }
    prober.keep(uidOf(pod), new Set());
  }

  async #endAll(grace: Grace): Promise<void> {
    const { pod, observed } = this.#state;
    const order = endsAfter(pod);
    const ended = new Map<string, PromiseWithResolvers<void>>();
    const running = observed.containers.filter(({ state }) => state === 'running' || state === 'unknown');
    for (const { name } of running) ended.set(name, Promise.withResolvers());
    const ends = running.map(async ({ id, name }) => {
      const turn = Promise.all((order.get(name) ?? []).map((each) => ended.get(each)?.promise));
      await this.#end(id, name, `Stopping container ${name}`, grace, turn);
      ended.get(name)?.resolve();
    });
    // One that could not be ended is tried again when the others have had their time.
    const failed = (await Promise.allSettled(ends)).find((each) => each.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
  }

  /** The pod that is being ended is to end sooner. */
  hurry(graceSeconds: number): void {
    if (this.#grace !== undefined) this.#ports.runtime.hurry(this.#grace, graceSeconds);
  }

  async unmount(): Promise<void> {
    const { references, tokens, volumes, cgroups } = this.#ports;
    const uid = uidOf(this.#state.pod);
    references.release(uid);
    tokens.forget(uid);
    await volumes.remove(uid);
    await cgroups?.remove(uid);
  }

  /** Nothing is left of the pod in the engine and among the logs. */
  async removeAll(): Promise<void> {
    const { engine } = this.#ports;
    // The newest last: what is left of a removal that fails is looked at again, and says how often a container was started.
    for (const { id } of [...this.#state.observed.containers].reverse()) await engine.removeContainer(id);
    await this.removeLogs();
    for (const { id } of this.#state.observed.sandboxes) await engine.removeSandbox(id);
  }

  async removeLogs(): Promise<void> {
    const { settings, volumes } = this.#ports;
    await removeLogFolder(this.#state.pod, settings.podLogsDir, volumes.folders.calls);
  }

  async #kill({ id, name, message, reason }: KillAction): Promise<void> {
    const container = this.#container(name);
    const probe = reason === 'startup' ? container?.startupProbe : reason === 'liveness' ? container?.livenessProbe : undefined;
    const seconds = Number(probe?.terminationGracePeriodSeconds ?? graceOf(this.#state.pod));
    await this.#end(id, name, message, new Grace(this.#ports.clock, seconds));
  }

  async #end(id: string, name: string, message: string, grace: Grace, turn?: Promise<unknown>): Promise<void> {
    const { pod, observed } = this.#state;
    const podIp = observed.ips[0] ?? this.#ports.facts.hostIp;
    const request = { pod, container: this.#container(name), id, message, grace, podIp };
    await this.#ports.runtime.kill(turn === undefined ? request : { ...request, turn });
  }

  async #prepare(attempt: number): Promise<{ volumes: Map<string, HostVolume>; config: SandboxConfig }> {
    const { pod } = this.#state;
    const cgroupParent = (await this.#ports.cgroups?.prepare(pod)) ?? '';
    const volumes = await this.prepareVolumes();
    return { volumes, config: sandboxConfig(pod, attempt, { ...this.#ports.settings, cgroupParent }) };
  }

  async #sandbox(config: SandboxConfig): Promise<string> {
    const { engine, runtime, runtimeHandler, sandboxGate, observe } = this.#ports;
    const { pod, ending } = this.#state;
    let id: string;
    try {
      const handler = await runtimeHandler(pod.spec?.runtimeClassName ?? '');
      // Without one its root would be the node's.
      if (pod.spec?.hostUsers === false)
        throw new Error(`RuntimeClass handler ${JSON.stringify(handler)} does not support user namespaces`);
      id = await sandboxGate.run(async () => {
        ending.signal.throwIfAborted();
        return engine.runSandbox(config, handler);
      });
    } catch (error) {
      if (!ending.signal.aborted)
        runtime.event(pod, 'Warning', 'FailedCreatePodSandBox', `Failed to create pod sandbox: ${(error as Error).message}`);
      throw error;
    }
    this.#state.observed = await observe();
    this.#report();
    return id;
  }

  async #start(
    name: string,
    sandboxId: string,
    sandbox: SandboxConfig,
    volumes: ReadonlyMap<string, HostVolume>,
  ): Promise<boolean> {
    const { pod, observed, problems, ending } = this.#state;
    const { backoff, clock, runtime } = this.#ports;
    const container = this.#container(name);
    if (container === undefined) return false;
    const last = latest(observed, name);
    if (last?.state === 'exited') backoff.next(backoffKey(pod, name), last.finishedAtMs, clock.wallMs());
    const said = statusOf(pod, name);
    const attempt = last !== undefined ? last.attempt + 1 : said?.containerID !== undefined ? (said.restartCount ?? 0) + 1 : 0;
    const targetId = container.targetContainerName && latest(observed, container.targetContainerName)?.id;
    try {
      await runtime.start({
        pod,
        container,
        attempt,
        sandboxId,
        sandbox,
        facts: this.facts(),
        volumes,
        targetId,
        signal: ending.signal,
      });
      problems.delete(name);
      await this.#prune(name);
      return true;
    } catch (error) {
      if (!(error instanceof StartError)) throw error;
      problems.set(name, { reason: error.reason, message: error.message });
      this.#report();
      return false;
    }
  }

  /** Keeps one dead container per name, for its logs and lastState (upstream's maxPerPodContainer), and its sandbox. */
  async #prune(name: string): Promise<void> {
    const { engine, volumes } = this.#ports;
    const { pod, observed } = this.#state;
    const { containers, sandboxes } = observed;
    const dead = containers.filter((each) => each.name === name && each.state !== 'running').slice(1);
    for (const each of dead) {
      await engine.removeContainer(each.id);
      if (each.logPath !== '') await removeContainerLog(each.logPath, volumes.folders.calls);
      await volumes.removeFile(uidOf(pod), ['containers', name], terminationFile(each.attempt));
    }
    const kept = new Set(containers.filter((each) => !dead.includes(each)).map(({ sandboxId }) => sandboxId));
    for (const each of sandboxes.slice(1)) if (!each.ready && !kept.has(each.id)) await engine.removeSandbox(each.id);
  }

  #container(name: string): ReturnType<typeof everyContainerOf>[number] | undefined {
    return everyContainerOf(this.#state.pod).find((each) => each.name === name);
  }
}

export function backoffKey(pod: Pod, container: Container['name']): string {
  return `${uidOf(pod)}/${container}`;
}

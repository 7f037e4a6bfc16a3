// Brings the statuses of pods to the apiserver, one write per pod at a time, the newest one (pkg/kubelet/status).
import type { Pod, PodStatus } from '@drydock/api/generated/types.ts';
import { pods } from '@drydock/api/resource.ts';
import { hasReason } from '@drydock/api/status.ts';
import type { ApiClient } from '@drydock/client/api-client.ts';
import { atLeast } from '@drydock/client/resource-version.ts';
import type { Clock } from '@drydock/foundation/clock.ts';
import type { Log } from '@drydock/foundation/log.ts';
import type { RandomStream } from '@drydock/foundation/random.ts';
import { podKey, uidOf } from './observation.ts';
import { pauseMs } from './retry.ts';

/** Pause after a failed write, in milliseconds, or half as much more. */
const retryMs = 2_000;

/** The conditions that the kubelet alone decides. */
export const ownConditions: ReadonlySet<string> = new Set([
  'PodReadyToStartContainers',
  'Initialized',
  'Ready',
  'ContainersReady',
]);

const optional = ['podIP', 'podIPs', 'reason', 'message', 'initContainerStatuses', 'ephemeralContainerStatuses'] as const;

/** A strategic merge patch that makes the pod's status this one, and leaves conditions of others alone. */
export function statusPatch(pod: Pod, status: PodStatus): object {
  const body: Record<string, unknown> = { ...status };
  for (const name of optional) if (body[name] === undefined && pod.status?.[name] !== undefined) body[name] = null;
  body.conditions = (status.conditions ?? []).map((each) => ({
    ...each,
    reason: each.reason ?? null,
    message: each.message ?? null,
  }));
  for (const name of ['podIPs', 'hostIPs'] as const)
    if (status[name] !== undefined) body[name] = [...status[name], { $patch: 'replace' }];
  return { metadata: { uid: uidOf(pod) }, status: body };
}

interface Written {
  readonly text: string;
  /** Of the pod after the write. */
  readonly resourceVersion: string;
  readonly essence: string;
}

/** What others act on: the phase and the verdicts of the kubelet's own conditions. */
function essence(status: PodStatus | undefined): string {
  const own = (status?.conditions ?? []).filter(({ type }) => ownConditions.has(type));
  return JSON.stringify([status?.phase, own.map(({ type, status: verdict }) => `${type}=${verdict}`).sort()]);
}

export class StatusWriter {
  readonly #client: ApiClient;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #random: RandomStream;
  readonly #wanted = new Map<string, { readonly pod: Pod; readonly status: PodStatus }>();
  readonly #written = new Map<string, Written>();
  readonly #writing = new Map<string, Promise<void>>();

  constructor(client: ApiClient, clock: Clock, log: Log, random: RandomStream) {
    this.#client = client;
    this.#clock = clock;
    this.#log = log;
    this.#random = random;
  }

  /** Returns at once; equal statuses are written once. */
  set(pod: Pod, status: PodStatus): void {
    const uid = uidOf(pod);
    const text = JSON.stringify(status);
    if (this.#written.get(uid)?.text === text && !this.#wanted.has(uid)) return;
    this.#wanted.set(uid, { pod, status });
    if (this.#writing.has(uid)) return;
    this.#writing.set(
      uid,
      this.#drain(uid).finally(() => this.#writing.delete(uid)),
    );
  }

  /**
   * The apiserver has this of the pod. True where somebody else has changed what the kubelet says of it (the node lifecycle
   * controller makes the pods of a silent node unready): the next `set` then writes, whatever was written before.
   */
  seen(pod: Pod): boolean {
    const uid = uidOf(pod);
    const written = this.#written.get(uid);
    if (written === undefined || this.#wanted.has(uid)) return false;
    const isNewer = !atLeast(written.resourceVersion, pod.metadata?.resourceVersion ?? '');
    if (!isNewer || essence(pod.status) === written.essence) return false;
    this.#written.delete(uid);
    return true;
  }

  /** Resolves when the newest status has been written, or cannot be because the pod is gone. */
  async flushed(uid: string): Promise<void> {
    await this.#writing.get(uid);
  }

  forget(uid: string): void {
    this.#wanted.delete(uid);
    this.#written.delete(uid);
  }

  async #drain(uid: string): Promise<void> {
    for (let next = this.#wanted.get(uid); next !== undefined; next = this.#wanted.get(uid)) {
      const { pod, status } = next;
      const { namespace, name } = podKey(pod);
      try {
        const answer = await this.#client.patch(
          pods,
          { namespace, name },
          { type: 'strategic', body: statusPatch(pod, status) },
          { subresource: 'status' },
        );
        const resourceVersion = answer.metadata?.resourceVersion ?? '';
        this.#written.set(uid, { text: JSON.stringify(status), resourceVersion, essence: essence(answer.status) });
        if (this.#wanted.get(uid) === next) this.#wanted.delete(uid);
      } catch (err) {
        if (hasReason(err, 'NotFound') || hasReason(err, 'Conflict')) {
          this.#wanted.delete(uid);
          return;
        }
        this.#log.warn({ err, pod: name, namespace }, 'pod status not written; trying again');
        await this.#clock.sleep(pauseMs(retryMs, this.#random));
      }
    }
  }
}

// Makes volumes larger on their node once they are larger elsewhere, and tells their claims (pkg/volume/util/operationexecutor,
// NodeExpander).
import type { ObjectReference, PersistentVolume, PersistentVolumeClaim, Pod } from '@drydock/api/generated/types.ts';
import type { Quantity } from '@drydock/api/quantity.ts';
import { persistentVolumeClaims, pods } from '@drydock/api/resource.ts';
import { attachedName } from '@drydock/api/storage/attachments.ts';
import { storageIn } from '@drydock/api/storage/size.ts';
import type { ApiClient } from '@drydock/client/api-client.ts';
import { referenceTo } from '@drydock/client/events.ts';
import { type Clock, formatTime } from '@drydock/foundation/clock.ts';
import { RetryDelays } from '../../plugins/retry-delays.ts';
import { PluginError } from '../../plugins/socket-client.ts';
import { uidOf } from '../../pod/observation.ts';
import type { CsiDrivers } from './drivers.ts';
import {
  type ExpansionPlan,
  failed,
  finished,
  inProgress,
  isInfeasible,
  planExpansion,
  type StatusPatch,
} from './expansion-plan.ts';
import { MountFailure, MountPending } from './mount-failure.ts';
import { isFinal } from './node-service.ts';
import type { CsiPlaces } from './places.ts';
import { expandRequest } from './requests.ts';
import type { SecretReader } from './secret-reader.ts';
import type { CsiVolume } from './volume.ts';
import type { VolumeTurns } from './volume-turns.ts';

export interface ExpansionPorts {
  readonly client: ApiClient;
  readonly clock: Clock;
  readonly drivers: Pick<CsiDrivers, 'service'>;
  readonly places: CsiPlaces;
  readonly turns: VolumeTurns;
  readonly secrets: SecretReader;
  readonly nodeName: string;
  readonly record: (about: ObjectReference, type: 'Normal' | 'Warning', reason: string, message: string) => void;
}

/** A volume that is mounted for a pod, and its objects as they are now. */
export interface Expandable {
  readonly pod: Pod;
  readonly volume: CsiVolume;
  readonly claim: PersistentVolumeClaim;
  readonly object: PersistentVolume;
}

export class Expansion {
  readonly #ports: ExpansionPorts;
  readonly #delays: RetryDelays;
  /** By `uid/volume`: how large it is on this node. */
  readonly #sizes = new Map<string, Quantity>();

  constructor(ports: ExpansionPorts) {
    this.#ports = ports;
    this.#delays = new RetryDelays(ports.clock);
  }

  /** For every refresh of the pod. Throws MountFailure and MountPending before its first success, as the pod is not to run before. */
  async expand(asked: Expandable, ending: AbortSignal): Promise<void> {
    const { pod, volume, claim, object } = asked;
    const key = `${uidOf(pod)}/${volume.name}`;
    const isMounting = !this.#sizes.has(key);
    const plan = planExpansion(claim, object, this.#sizes.get(key), volume.readOnly);
    if (plan.kind === 'none') {
      if (isMounting) this.#sizes.set(key, storageIn(claim.status?.capacity));
      return;
    }
    if (this.#delays.remainingMs(key) > 0) {
      if (isMounting) throw new MountPending(`volume "${volume.name}" is expanded later`);
      return;
    }
    if (plan.kind === 'read-only') {
      const text = `MountVolume.NodeExpandVolume failed for volume "${volume.name}" requested read-only file system`;
      this.#tell(asked, 'Warning', 'FileSystemResizeFailed', text);
      this.#sizes.set(key, plan.size);
      return;
    }
    try {
      await this.#ports.turns.take(uidOf(pod), attachedName(volume), ending, () => this.#expand(asked, plan));
      this.#sizes.set(key, plan.size);
      this.#delays.succeeded(key);
    } catch (error) {
      if (ending.aborted) throw error;
      // The driver does not do it while the volume is in use, or never: that is no reason to keep its pod from running.
      if (codeOf(error) === 'FailedPrecondition') this.#sizes.set(key, plan.size);
      else this.#failed(key, asked, error as Error, isMounting);
    }
  }

  /** Whether it has been seen to before. */
  knows(pod: Pod, volume: CsiVolume): boolean {
    return this.#sizes.has(`${uidOf(pod)}/${volume.name}`);
  }

  forget(uid: string): void {
    for (const key of [...this.#sizes.keys()]) if (key.startsWith(`${uid}/`)) this.#sizes.delete(key);
    this.#delays.forget(`${uid}/`);
  }

  #failed(key: string, { pod, volume }: Expandable, error: Error, isMounting: boolean): void {
    this.#delays.failed(key);
    if (isMounting) throw new MountFailure('Setup failed while expanding volume', volume.name, error.message, { cause: error });
    const text = `NodeExpandVolume.NodeExpandVolume failed for volume "${volume.name}" : ${error.message}`;
    this.#ports.record(referenceTo(pods, pod), 'Warning', 'VolumeResizeFailed', text);
  }

  async #expand(asked: Expandable, plan: ExpansionPlan & { readonly kind: 'expand' }): Promise<void> {
    const { nodeName, clock } = this.#ports;
    let { claim } = asked;
    if (plan.marks) claim = await this.#say(claim, inProgress());
    try {
      await this.#ask(asked, plan.size);
    } catch (error) {
      const { cause } = error as Error;
      const isOver = !(cause instanceof PluginError) || isFinal(cause);
      const now = formatTime(clock.wallMs());
      // Where the claim cannot be told, the error itself matters more.
      if (plan.updates && isOver)
        await this.#say(claim, failed(claim, error as Error, plan.marks && isInfeasible(cause), now)).catch(() => {});
      throw error;
    }
    const text = `MountVolume.NodeExpandVolume succeeded for volume "${asked.volume.name}" ${nodeName}`;
    this.#tell(asked, 'Normal', 'FileSystemResizeSuccessful', text);
    if (plan.updates)
      await this.#say(claim, finished(claim, plan.size)).catch((cause: Error) => {
        throw new Error(`mountVolume.NodeExpandVolume update pvc status failed: ${cause.message}`, { cause });
      });
  }

  async #ask({ pod, volume }: Expandable, size: Quantity): Promise<void> {
    const { drivers, places, secrets } = this.#ports;
    using service = drivers.service(volume.driver);
    const capabilities = await service.capabilities().catch((cause: Error) => {
      throw new Error(`Expander.NodeExpand failed to check if node supports expansion : ${cause.message}`, { cause });
    });
    if (!capabilities.has('EXPAND_VOLUME'))
      throw new Error(`Expander.NodeExpand found CSI plugin kubernetes.io/csi/${volume.driver} to not support node expansion`);
    const isStaged = capabilities.has('STAGE_UNSTAGE_VOLUME');
    const request = expandRequest({
      volume,
      capabilities,
      bytes: size.value(),
      path: places.targetPath(uidOf(pod), volume.name),
      stagingPath: isStaged ? places.stagingPath(volume) : undefined,
      secrets: await secrets.read('NodeExpandSecretRef', volume.expandSecret),
    });
    await service.expand(request).catch((cause: Error) => {
      // Upstream's texts differ in that colon.
      const colon = isInfeasible(cause) ? '' : ': ';
      throw new Error(`Expander.NodeExpand failed to expand the volume ${colon}${cause.message}`, { cause });
    });
  }

  /** Gives the claim as it is then; throws where somebody else has changed it meanwhile. */
  async #say({ metadata }: PersistentVolumeClaim, status: StatusPatch): Promise<PersistentVolumeClaim> {
    const { namespace = '', name = '', resourceVersion } = metadata ?? {};
    const body = { metadata: { resourceVersion }, status };
    const patch = { type: 'merge', body } as const;
    return this.#ports.client.patch(persistentVolumeClaims, { namespace, name }, patch, { subresource: 'status' });
  }

  #tell({ pod, claim }: Expandable, type: 'Normal' | 'Warning', reason: string, message: string): void {
    const { record } = this.#ports;
    record(referenceTo(pods, pod), type, reason, message);
    record(referenceTo(persistentVolumeClaims, claim), type, reason, message);
  }
}

function codeOf(error: unknown): string {
  const { cause } = error as Error;
  return cause instanceof PluginError ? cause.code : '';
}

// Mounts volumes by their CSI drivers and takes them off (pkg/volume/csi, pkg/kubelet/volumemanager). What is noted in pods' folders
// before a driver is asked anything, and removed when it has undone it, says what is to be undone, whoever comes later: so a volume is
// staged exactly while some pod's folder names it. Drivers may be asked for the same again, as CSI demands.
import type { CSIDriver, Pod, SecretReference } from '@drydock/api/generated/types.ts';
import { attachedName } from '@drydock/api/storage/attachments.ts';
import type { Clock } from '@drydock/foundation/clock.ts';
import { RetryDelays } from '../../plugins/retry-delays.ts';
import { uidOf } from '../../pod/observation.ts';
import { giveToGroup } from '../give-to-group.ts';
import { fsGroupOf } from '../ownership.ts';
import { type AttachmentPorts, Attachments } from './attachments.ts';
import type { DriverObjects } from './driver-objects.ts';
import type { CsiDrivers } from './drivers.ts';
import { MountFailure, MountPending, type MountStep } from './mount-failure.ts';
import { isFinal, type NodeService } from './node-service.ts';
import type { CsiPlaces, PodVolume } from './places.ts';
import { type Capabilities, publishRequest, type ServiceAccountToken, stageRequest } from './requests.ts';
import type { SecretReader } from './secret-reader.ts';
import { type CsiVolume, isGivenToGroup, modeRefusal, needsAttaching } from './volume.ts';
import { throwIfEnding, type VolumeTurns } from './volume-turns.ts';

/** Unless a driver says so (the API's default), in seconds. */
const tokenSeconds = 3_600;

export interface CsiVolumesPorts extends AttachmentPorts {
  readonly secrets: SecretReader;
  readonly clock: Clock;
  readonly drivers: Pick<CsiDrivers, 'service'>;
  readonly objects: Pick<DriverObjects, 'find' | 'peek'>;
  readonly places: CsiPlaces;
  readonly token: (pod: Pod, audience: string, seconds: number) => Promise<ServiceAccountToken>;
  /** Whether files are given to groups. */
  readonly givesAway: boolean;
  readonly turns: VolumeTurns;
}

/** One attempt. */
interface Attempt {
  readonly pod: Pod;
  readonly volume: CsiVolume;
  readonly object: CSIDriver | undefined;
  readonly context: Readonly<Record<string, string>>;
  readonly service: NodeService;
  readonly capabilities: Capabilities;
  /** Nothing was noted of it before: what fails for good leaves nothing behind. */
  readonly isNew: boolean;
}

export class CsiVolumes {
  readonly #ports: CsiVolumesPorts;
  readonly attachments: Attachments;
  readonly #delays: RetryDelays;
  /** By this kubelet: by name in a node's status. */
  readonly #staged = new Set<string>();
  /** By this kubelet: `uid/volume`. */
  readonly #published = new Set<string>();

  constructor(ports: CsiVolumesPorts) {
    this.#ports = ports;
    this.attachments = new Attachments(ports);
    this.#delays = new RetryDelays(ports.clock);
  }

  /**
   * Where it is, once it is there; for every refresh of the pod. Throws MountPending and MountFailure, and when `ending` aborts:
   * then nothing new is begun, and `tearDown` waits for what is under way.
   */
  async setUp(pod: Pod, volume: CsiVolume, ending: AbortSignal): Promise<string> {
    const { objects, places } = this.#ports;
    const uid = uidOf(pod);
    const key = `${uid}/${volume.name}`;
    const isDue = !this.#published.has(key) || objects.peek(volume.driver)?.spec.requiresRepublish === true;
    if (isDue) {
      if (this.#delays.remainingMs(key) > 0) throw new MountPending(`volume "${volume.name}" is tried again later`);
      await this.#ports.turns.take(uid, attachedName(volume), ending, () => this.#try(key, pod, volume, ending));
    }
    return places.targetPath(uid, volume.name);
  }

  /** Takes off all volumes of a pod. Throws where a driver does not, or has not a while ago, and what is left is noted still. */
  async tearDown(uid: string): Promise<void> {
    await this.#ports.turns.settled(uid);
    const volumes = await this.#ports.places.ofPod(uid);
    const results = await Promise.allSettled(
      volumes.map((volume) => this.#ports.turns.undo(attachedName(volume), () => this.#undo(volume))),
    );
    for (const result of results) if (result.status === 'rejected') throw result.reason;
    this.attachments.forget(uid);
    this.#delays.forget(`${uid}/`);
  }

  async #try(key: string, pod: Pod, volume: CsiVolume, ending: AbortSignal): Promise<void> {
    try {
      await this.#mount(pod, volume, ending);
      this.#published.add(key);
      this.#delays.succeeded(key);
    } catch (error) {
      if (error instanceof MountFailure) this.#delays.failed(key);
      throw error;
    }
  }

  async #mount(pod: Pod, volume: CsiVolume, ending: AbortSignal): Promise<void> {
    const { objects, inUse, places, nodeName } = this.#ports;
    const uid = uidOf(pod);
    const object = await objects.find(volume.driver);
    const refusal = modeRefusal(volume, object);
    if (refusal !== undefined) throw new MountFailure('NewMounter initialization', volume.name, refusal);
    const isAttached = needsAttaching(volume, object);
    const context = isAttached ? await this.attachments.context(uid, volume) : {};
    if (!isAttached) inUse.drop(uid, volume.name);
    await this.#checkAlone(uid, volume);
    using service = this.#service(volume);
    const capabilities = await this.#capabilities(service, volume);
    throwIfEnding(ending);
    const isNew = await places.note(uid, volume, nodeName);
    const attempt: Attempt = { pod, volume, object, context, service, capabilities, isNew };
    if (volume.mode === 'Persistent') await this.#stage(attempt, ending);
    await this.#publish(attempt, ending);
  }

  #service(volume: CsiVolume): NodeService {
    const isStep = volume.mode === 'Persistent' && !this.#staged.has(attachedName(volume));
    try {
      return this.#ports.drivers.service(volume.driver);
    } catch (error) {
      const { message } = error as Error;
      const why = isStep
        ? `attacher.MountDevice failed to create newCsiDriverClient: ${message}`
        : `mounter.SetUpAt failed to get CSI client: ${message}`;
      throw new MountFailure(isStep ? 'MountDevice' : 'SetUp', volume.name, `kubernetes.io/csi: ${why}`, { cause: error });
    }
  }

  async #capabilities(service: NodeService, volume: CsiVolume): Promise<Capabilities> {
    try {
      return await service.capabilities();
    } catch (error) {
      const { message } = error as Error;
      if (volume.mode === 'Persistent') throw new MountFailure('MountDevice', volume.name, message, { cause: error });
      const what = 'mounter.SetUpAt failed to determine if the node service has VOLUME_MOUNT_GROUP capability';
      throw new MountFailure('SetUp', volume.name, `kubernetes.io/csi: ${what}: ${message}`, { cause: error });
    }
  }

  async #checkAlone(uid: string, volume: CsiVolume): Promise<void> {
    if (!volume.accessModes.includes('ReadWriteOncePod')) return;
    const isOther = (other: PodVolume) => other.uid !== uid;
    if (!(await this.#isUsed(volume, isOther))) return;
    const why = 'volume uses the ReadWriteOncePod access mode and is already in use by another pod';
    throw new MountFailure('SetUp', volume.name, why);
  }

  async #isUsed(volume: CsiVolume | PodVolume, isOther: (other: PodVolume) => boolean): Promise<boolean> {
    const name = attachedName(volume);
    return (await this.#ports.places.all()).some((other) => attachedName(other) === name && isOther(other));
  }

  /** By another pod, or by the same one as the volume of another PersistentVolume. */
  async #isUsedBeside(uid: string, volume: CsiVolume | PodVolume): Promise<boolean> {
    return this.#isUsed(volume, (other) => other.uid !== uid || other.name !== volume.name);
  }

  /** For all pods of the node, once. Where the driver stages nothing, upstream has its folder all the same. */
  async #stage(attempt: Attempt, ending: AbortSignal): Promise<void> {
    const { volume, context, service, capabilities, pod, isNew } = attempt;
    const name = attachedName(volume);
    if (this.#staged.has(name)) return;
    const { places } = this.#ports;
    await places.makeStaged(volume);
    if (capabilities.has('STAGE_UNSTAGE_VOLUME')) {
      const stagedSecrets = await this.#secrets('NodeStageSecretRef', 'MountDevice', volume, volume.stageSecret);
      const stagingPath = places.stagingPath(volume);
      throwIfEnding(ending);
      const input = { volume, capabilities, group: fsGroupOf(pod), context, stagingPath, secrets: stagedSecrets };
      try {
        await service.stage(stageRequest(input));
      } catch (error) {
        if (isNew && isFinal(error)) await this.#giveUp(attempt);
        throw new MountFailure('MountDevice', volume.name, (error as Error).message, { cause: error });
      }
    }
    this.#staged.add(name);
  }

  /** The driver has done nothing of what was noted in this attempt. */
  async #giveUp({ pod, volume }: Attempt): Promise<void> {
    const { places } = this.#ports;
    const uid = uidOf(pod);
    if (volume.mode === 'Persistent' && !(await this.#isUsedBeside(uid, volume))) {
      this.#staged.delete(attachedName(volume));
      await places.removeStaged(volume);
    }
    await places.forget({ uid, name: volume.name });
  }

  async #publish(attempt: Attempt, ending: AbortSignal): Promise<void> {
    const { volume, pod, object, service, capabilities, isNew } = attempt;
    const { places } = this.#ports;
    const isStaged = volume.mode === 'Persistent' && capabilities.has('STAGE_UNSTAGE_VOLUME');
    const input = {
      ...attempt,
      group: fsGroupOf(pod),
      stagingPath: isStaged ? places.stagingPath(volume) : undefined,
      targetPath: places.targetPath(uidOf(pod), volume.name),
      secrets: await this.#secrets('NodePublishSecretRef', 'SetUp', volume, volume.publishSecret),
      tokens: await this.#tokens(pod, volume, object),
    };
    throwIfEnding(ending);
    try {
      await service.publish(publishRequest(input));
    } catch (error) {
      if (isNew && !isStaged && isFinal(error)) await this.#giveUp(attempt);
      throw new MountFailure('SetUp', volume.name, (error as Error).message, { cause: error });
    }
    await this.#giveToGroup(attempt, input.targetPath);
  }

  async #giveToGroup({ pod, volume, object, capabilities }: Attempt, path: string): Promise<void> {
    const group = fsGroupOf(pod);
    if (group === undefined || !this.#ports.givesAway || capabilities.has('VOLUME_MOUNT_GROUP')) return;
    if (!isGivenToGroup(volume, object)) return;
    const onRootMismatch = pod.spec?.securityContext?.fsGroupChangePolicy === 'OnRootMismatch';
    try {
      await giveToGroup(path, { group, onRootMismatch });
    } catch (error) {
      const why = `applyFSGroup failed for vol ${volume.handle}: ${(error as Error).message}`;
      throw new MountFailure('SetUp', volume.name, why, { cause: error });
    }
  }

  async #secrets(
    what: string,
    step: MountStep,
    volume: CsiVolume,
    ref: SecretReference | undefined,
  ): Promise<Record<string, string>> {
    try {
      return await this.#ports.secrets.read(what, ref);
    } catch (error) {
      throw new MountFailure(step, volume.name, (error as Error).message, { cause: error });
    }
  }

  async #tokens(pod: Pod, volume: CsiVolume, object: CSIDriver | undefined): Promise<Record<string, ServiceAccountToken>> {
    const found: Record<string, ServiceAccountToken> = {};
    for (const { audience = '', expirationSeconds } of object?.spec.tokenRequests ?? []) {
      try {
        const kept = await this.#ports.token(pod, audience, Number(expirationSeconds ?? tokenSeconds));
        found[audience] = { token: kept.token, expirationTimestamp: kept.expirationTimestamp };
      } catch (error) {
        const what = 'kubernetes.io/csi: mounter.SetUpAt failed to get service accoount token attributes';
        throw new MountFailure('SetUp', volume.name, `${what}: ${(error as Error).message}`, { cause: error });
      }
    }
    return found;
  }

  async #undo(volume: PodVolume): Promise<void> {
    const key = `${volume.uid}/${volume.name}/undo`;
    const waitMs = this.#delays.remainingMs(key);
    if (waitMs > 0) throw new Error(`volume "${volume.name}" is taken off in ${waitMs} ms, as that has failed before`);
    try {
      await this.#tearDown(volume);
      this.#delays.succeeded(key);
    } catch (error) {
      this.#delays.failed(key);
      throw error;
    }
  }

  async #tearDown(volume: PodVolume): Promise<void> {
    const { drivers, places, inUse } = this.#ports;
    const { uid, name, driver, handle } = volume;
    this.#published.delete(`${uid}/${name}`);
    using service = worded('failed to get CSI client', () => drivers.service(driver));
    await service.unpublish(handle, places.targetPath(uid, name)).catch((error: Error) => {
      throw new Error(`kubernetes.io/csi: Unmounter.TearDownAt failed: ${error.message}`, { cause: error });
    });
    if (volume.isPersistent && !(await this.#isUsedBeside(uid, volume))) {
      this.#staged.delete(attachedName(volume));
      const capabilities = await service.capabilities();
      if (capabilities.has('STAGE_UNSTAGE_VOLUME')) await service.unstage(handle, places.stagingPath(volume));
      await places.removeStaged(volume);
    }
    await places.forget(volume);
    inUse.drop(uid, name);
  }
}

function worded<T>(what: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw new Error(`kubernetes.io/csi: Unmounter.TearDownAt ${what}: ${(error as Error).message}`, { cause: error });
  }
}

// The Node service: a volume's folder appears where a pod wants it, and goes again. What is mounted where is what the kernel says:
// nothing of it is remembered.
import { isAbsolute, normalize } from 'node:path';
import { checkCapabilities, isReadOnly, isSingleWriter } from './capability.ts';
import { readRange } from './capacity.ts';
import { CsiError } from './csi-error.ts';
import type { PublishRequest, StatsRequest, StringMap, Topology, UnpublishRequest } from './messages.ts';
import { isVolumeId, type VolumeRecord } from './volume-record.ts';
import type { VolumeFolders, VolumeStore } from './volume-store.ts';

/** Numbers of bytes, or of inodes. */
export interface Amounts {
  readonly available: number;
  readonly total: number;
  readonly used: number;
}

export interface Usage {
  readonly bytes: Amounts;
  readonly inodes: Amounts;
}

/** Mounts of volumes' folders. Targets are absolute and in a folder of the kubelet's. */
export interface VolumeMounts {
  mountedAt(id: string, target: string): Promise<'nothing' | 'other' | 'read-only' | 'writable'>;
  /** Makes the target. */
  mount(id: string, target: string, isReadOnly: boolean): Promise<void>;
  /** Removes the target too; fine where it is not there. */
  unmount(target: string): Promise<void>;
  /** Of the file system that is seen there. */
  usage(target: string): Promise<Usage>;
}

export interface NodePorts {
  readonly store: VolumeStore;
  readonly folders: Pick<VolumeFolders, 'mountsOf'>;
  readonly mounts: VolumeMounts;
  readonly nodeId: string;
  readonly topology: Topology;
}

/** Of the attributes of a volume that is a pod's own: what the kubelet says, and the size. */
const ephemeralKey = 'csi.storage.k8s.io/ephemeral';
const kubeletKeyPrefix = 'csi.storage.k8s.io/';
const sizeKey = 'sizeBytes';
/** What the provisioner notes of itself. */
const provisionerKey = 'storage.kubernetes.io/csiProvisionerIdentity';

export class NodeService {
  readonly #ports: NodePorts;
  /** One after the other: what is mounted is looked at before something is mounted. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(ports: NodePorts) {
    this.#ports = ports;
  }

  info(): { node_id: string; accessible_topology: Topology } {
    return { node_id: this.#ports.nodeId, accessible_topology: this.#ports.topology };
  }

  publish(request: PublishRequest): Promise<object> {
    return this.#inTurn(async () => {
      const { mounts } = this.#ports;
      const target = targetOf(request);
      const { volume_capability: capability } = request;
      if (!capability) throw new CsiError('InvalidArgument', 'volume capability missing in request');
      checkCapabilities([capability]);
      const { id } = await this.#volumeOf(request);
      const wanted = request.readonly || isReadOnly(capability) ? 'read-only' : 'writable';
      const present = await mounts.mountedAt(id, target);
      if (present === wanted) return {};
      if (present === 'other') throw new CsiError('FailedPrecondition', `something else is mounted at ${target}`);
      // Left by a call that did not live to make it read-only, or by one that wanted something else.
      if (present !== 'nothing') await mounts.unmount(target);
      if (isSingleWriter(capability)) await this.#checkAlone(id, target);
      await this.#ports.store.using(id, () => mounts.mount(id, target, wanted === 'read-only'));
      return {};
    });
  }

  async unpublish(request: UnpublishRequest): Promise<object> {
    await this.#inTurn(async () => this.#ports.mounts.unmount(targetOf(request)));
    // One that is a pod's own goes with the mount; it may have begun to. That may take its time, for which nobody else waits.
    const { volume_id: name } = request;
    if (!isVolumeId(name)) await this.#ports.store.deleteOfPod(name);
    return {};
  }

  async stats(request: StatsRequest): Promise<object> {
    const { volume_id: id, volume_path: path } = request;
    if (id === '') throw new CsiError('InvalidArgument', 'volume id missing in request');
    if (path === '') throw new CsiError('InvalidArgument', 'volume path missing in request');
    const volume = this.#ofPod(id) ?? this.#ports.store.get(id);
    const isThere = isAbsolute(path) && ['read-only', 'writable'].includes(await this.#ports.mounts.mountedAt(volume.id, path));
    if (!isThere) throw new CsiError('NotFound', `volume ${id} is not published at ${path}`);
    const { bytes, inodes } = await this.#ports.mounts.usage(path);
    return {
      usage: [
        { unit: 'BYTES', ...shown(bytes) },
        { unit: 'INODES', ...shown(inodes) },
      ],
    };
  }

  /** One that is a pod's own is made now, under the name that the kubelet gave it. */
  async #volumeOf({ volume_id: id, volume_context: context = {} }: PublishRequest): Promise<VolumeRecord> {
    const { store } = this.#ports;
    if (context[ephemeralKey] !== 'true') {
      checkContext(context);
      return store.get(id);
    }
    const { [sizeKey]: size = '0', ...others } = context;
    checkContext(others);
    return this.#ofPod(id) ?? (await store.create(id, readRange({ required_bytes: size }), true));
  }

  #ofPod(name: string): VolumeRecord | undefined {
    const found = this.#ports.store.named(name);
    return found?.isOfPod === true ? found : undefined;
  }

  async #checkAlone(id: string, target: string): Promise<void> {
    const [elsewhere] = (await this.#ports.folders.mountsOf(id)).filter((each) => each !== target);
    if (elsewhere !== undefined)
      throw new CsiError('FailedPrecondition', `volume ${id} is for one pod and is published at ${elsewhere} already`);
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(work);
    this.#last = turn.catch(() => {});
    return turn;
  }
}

/** Throws CsiError where the request names no volume or no usable place. */
function targetOf({ volume_id: id, target_path: target }: UnpublishRequest): string {
  if (id === '') throw new CsiError('InvalidArgument', 'volume id missing in request');
  if (target === '') throw new CsiError('InvalidArgument', 'target path missing in request');
  const path = normalize(target).replace(/\/$/, '');
  if (!isAbsolute(path) || path === '' || target.includes('\0'))
    throw new CsiError('InvalidArgument', `target path ${JSON.stringify(target)} is no absolute path`);
  return path;
}

/** Attributes that nobody serves are refused, those of the kubelet and of the provisioner are fine. */
function checkContext(context: StringMap): void {
  const [name] = Object.keys(context).filter((key) => !key.startsWith(kubeletKeyPrefix) && key !== provisionerKey);
  if (name !== undefined) throw new CsiError('InvalidArgument', `unknown volume attribute ${JSON.stringify(name)}`);
}

function shown({ available, total, used }: Amounts): object {
  return { available: String(available), total: String(total), used: String(used) };
}

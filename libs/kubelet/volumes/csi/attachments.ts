// Waits until a volume is attached to this node: first the node says that it uses it, then the attach-detach controller that it is
// there, then the driver how (pkg/kubelet/volumemanager/reconciler, pkg/volume/csi/csi_attacher.go).
import type { Node, VolumeAttachment } from '@drydock/api/generated/types.ts';
import { volumeAttachments } from '@drydock/api/resource.ts';
import { attachedName, attachmentName } from '@drydock/api/storage/attachments.ts';
import type { ApiClient } from '@drydock/client/api-client.ts';
import { MountFailure, MountPending } from './mount-failure.ts';
import type { CsiVolume } from './volume.ts';
import type { VolumesInUse } from './volumes-in-use.ts';

export interface AttachmentPorts {
  readonly client: ApiClient;
  readonly nodeName: string;
  readonly inUse: VolumesInUse;
  /** Writes the node's status now. */
  readonly report: () => Promise<void>;
  readonly node: () => Node | undefined;
}

export class Attachments {
  readonly #ports: AttachmentPorts;
  readonly #waiting = new Set<string>();

  constructor(ports: AttachmentPorts) {
    this.#ports = ports;
  }

  /** Uids of pods that wait for the node's status to name a volume of theirs. */
  get waiting(): readonly string[] {
    return [...this.#waiting];
  }

  forget(uid: string): void {
    this.#waiting.delete(uid);
    this.#ports.inUse.drop(uid);
  }

  /** What the driver said when it attached the volume. Throws MountPending and MountFailure. */
  async context(uid: string, volume: CsiVolume): Promise<Readonly<Record<string, string>>> {
    const { client, nodeName, inUse, report, node } = this.#ports;
    const name = attachedName(volume);
    inUse.add(uid, volume.name, name);
    if (!inUse.isReported(name)) {
      await report().catch((cause: Error) => {
        throw new MountPending(`the node's status cannot be written: ${cause.message}`, { cause, isUnattached: true });
      });
    }
    if (!inUse.isReported(name))
      throw new MountPending(`the node's status does not say that "${volume.name}" is in use`, { isUnattached: true });
    if (node()?.status?.volumesAttached?.some((each) => each.name === name) !== true) {
      this.#waiting.add(uid);
      throw new MountPending(`volume "${volume.name}" is not attached according to the node's status`, { isUnattached: true });
    }
    this.#waiting.delete(uid);
    const id = attachmentName(volume, nodeName);
    const found = await client.get(volumeAttachments, { name: id }).catch((cause: Error) => {
      throw failure(volume, `volume ${volume.handle} has GET error for volume attachment ${id}: ${cause.message}`);
    });
    return contextOf(found, volume);
  }
}

function contextOf({ metadata, status }: VolumeAttachment, volume: CsiVolume): Readonly<Record<string, string>> {
  if (metadata?.deletionTimestamp !== undefined) throw failure(volume, 'volume attachment is being deleted');
  if (status?.attached === true) return status.attachmentMetadata ?? {};
  if (status?.attachError?.message !== undefined) throw failure(volume, status.attachError.message);
  throw new MountPending(`volume "${volume.name}" is being attached`, { isUnattached: true });
}

function failure(volume: CsiVolume, why: string): MountFailure {
  return new MountFailure('WaitForAttach', volume.name, why);
}

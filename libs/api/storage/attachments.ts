// What volumes of CSI drivers are called where they are attached: in a node's status, and as a VolumeAttachment (upstream's
// pkg/volume/csi and component-helpers' names).
import { createHash } from 'node:crypto';
import type { PersistentVolume } from '../generated/types.ts';

/** What the names of such volumes in `volumesAttached` and `volumesInUse` begin with. */
export const attachedNamePrefix = 'kubernetes.io/csi/';

/** A volume as its driver knows it. */
export interface DriverVolume {
  readonly driver: string;
  readonly handle: string;
}

/** The volume of a driver that a PersistentVolume stands for; undefined for one of another sort. */
export function driverVolumeOf({ spec }: PersistentVolume): DriverVolume | undefined {
  return spec?.csi === undefined ? undefined : { driver: spec.csi.driver, handle: spec.csi.volumeHandle };
}

/** The volume's name in a node's status, one for all nodes. */
export function attachedName({ driver, handle }: DriverVolume): string {
  return `${attachedNamePrefix}${driver}^${handle}`;
}

/** The inverse of `attachedName`; undefined for what is no volume of a driver. */
export function parseAttachedName(name: string): DriverVolume | undefined {
  const at = name.indexOf('^');
  if (!name.startsWith(attachedNamePrefix) || at < 0) return undefined;
  return { driver: name.slice(attachedNamePrefix.length, at), handle: name.slice(at + 1) };
}

/** The name of the VolumeAttachment of the volume and a node. */
export function attachmentName({ driver, handle }: DriverVolume, node: string): string {
  return `csi-${createHash('sha256').update(`${handle}${driver}${node}`).digest('hex')}`;
}

/** Whether a VolumeAttachment's name is of the form that `attachmentName` gives. */
export function isAttachmentName(name: string): boolean {
  return /^csi-[0-9a-f]{64}$/.test(name);
}

/** Whether the volume may be on several nodes at a time, as far as is known: one that names no modes may. */
export function mayBeOnSeveralNodes({ spec }: PersistentVolume): boolean {
  const modes = spec?.accessModes ?? [];
  return modes.length === 0 || modes.includes('ReadWriteMany') || modes.includes('ReadOnlyMany');
}

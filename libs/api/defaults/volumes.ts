// Defaults of the volume plugins that pods and persistent volumes share.
import type { PersistentVolumeSpec, Volume } from '../generated/types.ts';

/** Fills in the defaults of iSCSI, RBD, Azure disk and ScaleIO sources, in place. */
export function defaultVolumeSource(source: Volume | PersistentVolumeSpec): void {
  if (source.iscsi !== undefined) source.iscsi.iscsiInterface ||= 'default';
  if (source.rbd !== undefined) {
    source.rbd.pool ||= 'rbd';
    source.rbd.user ||= 'admin';
    source.rbd.keyring ||= '/etc/ceph/keyring';
  }
  if (source.azureDisk !== undefined) {
    source.azureDisk.cachingMode ??= 'ReadWrite';
    source.azureDisk.kind ??= 'Shared';
    source.azureDisk.fsType ??= 'ext4';
    source.azureDisk.readOnly ??= false;
  }
  if (source.scaleIO !== undefined) {
    source.scaleIO.storageMode ||= 'ThinProvisioned';
    source.scaleIO.fsType ||= 'xfs';
  }
}

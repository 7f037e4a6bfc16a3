// A volume of a CSI driver as a pod has it, by a claim or inline: pure (pkg/volume/csi, csi_plugin.go).
import { createHash } from 'node:crypto';
import type { CSIDriver, PersistentVolume, Pod, SecretReference, Volume } from '@drydock/api/generated/types.ts';
import type { DriverVolume } from '@drydock/api/storage/attachments.ts';
import { uidOf } from '../../pod/observation.ts';

export type LifecycleMode = 'Persistent' | 'Ephemeral';

export interface CsiVolume extends DriverVolume {
  /** Of the PersistentVolume; of the pod's volume where that is inline. Part of paths, and what events call it. */
  readonly name: string;
  readonly mode: LifecycleMode;
  readonly fsType: string;
  readonly accessModes: readonly string[];
  readonly mountOptions: readonly string[];
  readonly attributes: Readonly<Record<string, string>>;
  readonly stageSecret: SecretReference | undefined;
  readonly publishSecret: SecretReference | undefined;
  readonly expandSecret: SecretReference | undefined;
  readonly readOnly: boolean;
}

/** Undefined where the volume is of another sort. */
export function persistentCsi(volume: PersistentVolume, readOnly: boolean): CsiVolume | undefined {
  const { csi, accessModes = [], mountOptions = [] } = volume.spec ?? {};
  if (csi === undefined) return undefined;
  return {
    name: volume.metadata?.name ?? '',
    driver: csi.driver,
    handle: csi.volumeHandle,
    mode: 'Persistent',
    fsType: csi.fsType ?? '',
    accessModes,
    mountOptions,
    attributes: csi.volumeAttributes ?? {},
    stageSecret: csi.nodeStageSecretRef,
    publishSecret: csi.nodePublishSecretRef,
    expandSecret: csi.nodeExpandSecretRef,
    readOnly,
  };
}

/** Undefined where the volume is of another sort. */
export function inlineCsi(pod: Pod, { name, csi }: Volume): CsiVolume | undefined {
  if (csi === undefined) return undefined;
  const secret = csi.nodePublishSecretRef?.name;
  return {
    name,
    driver: csi.driver,
    handle: `csi-${createHash('sha256')
      .update(`${uidOf(pod)}${name}`)
      .digest('hex')}`,
    mode: 'Ephemeral',
    fsType: csi.fsType ?? '',
    accessModes: [],
    mountOptions: [],
    attributes: csi.volumeAttributes ?? {},
    stageSecret: undefined,
    expandSecret: undefined,
    publishSecret: secret === undefined ? undefined : { namespace: pod.metadata?.namespace, name: secret },
    readOnly: csi.readOnly ?? false,
  };
}

/** Why the driver is not asked for such a volume; undefined where it is. */
export function modeRefusal({ driver, mode }: CsiVolume, object: CSIDriver | undefined): string | undefined {
  const modes = object?.spec.volumeLifecycleModes ?? [];
  if (object === undefined)
    return mode === 'Persistent' ? undefined : `volume mode "${mode}" not supported by driver ${driver} (no CSIDriver object)`;
  if (modes.includes(mode)) return undefined;
  const list = modes.map((each) => JSON.stringify(each)).join(' ');
  return `volume mode "${mode}" not supported by driver ${driver} (only supports [${list}])`;
}

/** Without an object a driver is taken to have a part that attaches. */
export function needsAttaching({ mode }: CsiVolume, object: CSIDriver | undefined): boolean {
  return mode === 'Persistent' && object?.spec.attachRequired !== false;
}

/** Whether what the driver has published is given to the pod's group by the kubelet. */
export function isGivenToGroup({ fsType, mode, accessModes, readOnly }: CsiVolume, object: CSIDriver | undefined): boolean {
  const policy = object?.spec.fsGroupPolicy ?? 'ReadWriteOnceWithFSType';
  if (policy === 'None' || readOnly) return false;
  if (policy === 'File') return true;
  return fsType !== '' && (mode === 'Ephemeral' || accessModes.includes('ReadWriteOnce'));
}

// Rows of volumes, claims and the storage group.
import type {
  CSIDriver,
  CSINode,
  PersistentVolume,
  PersistentVolumeClaim,
  StorageClass,
  VolumeAttachment,
  VolumeAttributesClass,
} from '../generated/types.ts';
import { isDefaultClass } from '../storage/classes.ts';
import { type Cell, createdAge, nameOf, printer, unset } from './cells.ts';

const modeNames: readonly (readonly [mode: string, short: string])[] = [
  ['ReadWriteOnce', 'RWO'],
  ['ReadOnlyMany', 'ROX'],
  ['ReadWriteMany', 'RWX'],
  ['ReadWriteOncePod', 'RWOP'],
];

export const storagePrinters = [
  printer<PersistentVolume>('/PersistentVolume', printVolume),
  printer<PersistentVolumeClaim>('/PersistentVolumeClaim', printClaim),
  printer<StorageClass>('storage.k8s.io/StorageClass', (object, now) => [
    isDefaultClass(object) ? `${nameOf(object)} (default)` : nameOf(object),
    object.provisioner,
    object.reclaimPolicy ?? 'Delete',
    object.volumeBindingMode ?? 'Immediate',
    object.allowVolumeExpansion ?? false,
    createdAge(object, now),
  ]),
  printer<VolumeAttributesClass>('storage.k8s.io/VolumeAttributesClass', (object, now) => [
    nameOf(object),
    object.driverName,
    createdAge(object, now),
  ]),
  printer<VolumeAttachment>('storage.k8s.io/VolumeAttachment', (object, now) => [
    nameOf(object),
    object.spec.attacher,
    object.spec.source.persistentVolumeName ?? '',
    object.spec.nodeName,
    object.status?.attached ?? false,
    createdAge(object, now),
  ]),
  printer<CSINode>('storage.k8s.io/CSINode', (object, now) => [
    nameOf(object),
    object.spec.drivers.length,
    createdAge(object, now),
  ]),
  printer<CSIDriver>('storage.k8s.io/CSIDriver', (object, now) => [
    nameOf(object),
    object.spec.attachRequired ?? true,
    object.spec.podInfoOnMount ?? false,
    object.spec.storageCapacity ?? false,
    (object.spec.tokenRequests ?? []).map((request) => request.audience).join(',') || unset,
    object.spec.requiresRepublish ?? false,
    (object.spec.volumeLifecycleModes ?? []).join(',') || '<none>',
    createdAge(object, now),
  ]),
];

function printVolume(object: PersistentVolume, now: number): Cell[] {
  const { spec, status, metadata } = object;
  const claim = spec?.claimRef;
  return [
    nameOf(object),
    spec?.capacity?.storage ?? '0',
    accessModes(spec?.accessModes),
    spec?.persistentVolumeReclaimPolicy ?? '',
    metadata?.deletionTimestamp === undefined ? (status?.phase ?? '') : 'Terminating',
    claim === undefined ? '' : `${claim.namespace ?? ''}/${claim.name ?? ''}`,
    spec?.storageClassName ?? '',
    spec?.volumeAttributesClassName ?? unset,
    status?.reason ?? '',
    createdAge(object, now),
    spec?.volumeMode ?? unset,
  ];
}

function printClaim(object: PersistentVolumeClaim, now: number): Cell[] {
  const { spec, status, metadata } = object;
  const bound = (spec?.volumeName ?? '') !== '';
  return [
    nameOf(object),
    metadata?.deletionTimestamp === undefined ? (status?.phase ?? '') : 'Terminating',
    spec?.volumeName ?? '',
    bound ? (status?.capacity?.storage ?? '0') : '',
    bound ? accessModes(status?.accessModes) : '',
    spec?.storageClassName ?? '',
    spec?.volumeAttributesClassName ?? unset,
    createdAge(object, now),
    spec?.volumeMode ?? unset,
  ];
}

/** `RWO,RWX`, in upstream's order. */
function accessModes(modes: readonly string[] | undefined): string {
  return modeNames
    .filter(([mode]) => modes?.includes(mode) === true)
    .map(([, short]) => short)
    .join(',');
}

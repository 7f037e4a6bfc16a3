// Objects of storage that the original was asked to create and to change.
import { boundless, claim, pod } from './claim-cases.ts';
import { attachment, attributesClass, capacity, driver, node, storageClass } from './storage-group-cases.ts';
import type { StorageKind } from './storage-kind.ts';
import { localVolume, secretVolume, volume } from './volume-cases.ts';

export const storageKinds: readonly StorageKind[] = [
  driver,
  node,
  attachment,
  storageClass,
  attributesClass,
  capacity,
  volume,
  localVolume,
  secretVolume,
  boundless,
  claim,
  pod,
];

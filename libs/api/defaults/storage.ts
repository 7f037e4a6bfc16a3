// Defaults of the storage group.
import type { CSIDriver, CSINode, StorageClass } from '../generated/types.ts';
import { defaulter } from './define.ts';

export const storageDefaulters = [
  defaulter<StorageClass>('storage.k8s.io/StorageClass', (storageClass) => {
    storageClass.reclaimPolicy ??= 'Delete';
    storageClass.volumeBindingMode ??= 'Immediate';
  }),
  defaulter<CSINode>('storage.k8s.io/CSINode', ({ spec }) => {
    spec.drivers ??= [];
  }),
  defaulter<CSIDriver>('storage.k8s.io/CSIDriver', ({ spec }) => {
    spec.attachRequired ??= true;
    spec.podInfoOnMount ??= false;
    spec.storageCapacity ??= false;
    spec.fsGroupPolicy ??= 'ReadWriteOnceWithFSType';
    if ((spec.volumeLifecycleModes ?? []).length === 0) spec.volumeLifecycleModes = ['Persistent'];
    spec.requiresRepublish ??= false;
    spec.seLinuxMount ??= false;
  }),
];

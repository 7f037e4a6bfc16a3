// Admission of storage objects: protection while they are in use, the default class of claims.
import type { PersistentVolumeClaim, StorageClass } from '@drydock/api/generated/types.ts';
import { groupResourceOf } from '@drydock/api/resource.ts';
import { defaultClassOf, saysClass } from '@drydock/api/storage/classes.ts';
import type { AdmissionPlugin } from './admission.ts';

/** Finalizers, by resource. */
const protections: Readonly<Record<string, string>> = {
  persistentvolumeclaims: 'kubernetes.io/pvc-protection',
  persistentvolumes: 'kubernetes.io/pv-protection',
  'volumeattributesclasses.storage.k8s.io': 'kubernetes.io/vac-protection',
};

/** StorageObjectInUseProtection: claims, volumes and classes of their attributes do not go while something uses them. */
export const storageProtection: AdmissionPlugin = {
  name: 'StorageObjectInUseProtection',
  mutate({ info, operation, subresource, object }) {
    const finalizer = protections[groupResourceOf(info)];
    if (finalizer === undefined || operation !== 'CREATE' || subresource !== '' || object === undefined) return;
    const finalizers = object.metadata?.finalizers ?? [];
    if (!finalizers.includes(finalizer)) object.metadata = { ...object.metadata, finalizers: [...finalizers, finalizer] };
  },
};

/** DefaultStorageClass: a claim that names no class gets the default one, the newest of several. */
export function defaultStorageClass(classes: () => Promise<Iterable<StorageClass>>): AdmissionPlugin {
  return {
    name: 'DefaultStorageClass',
    async mutate({ info, operation, subresource, object }) {
      if (info.group !== '' || info.resource !== 'persistentvolumeclaims' || operation !== 'CREATE' || subresource !== '')
        return;
      const claim = object as PersistentVolumeClaim;
      if (claim.spec === undefined || saysClass(claim)) return;
      const name = defaultClassOf(await classes())?.metadata?.name;
      if (name !== undefined) claim.spec.storageClassName = name;
    },
  };
}

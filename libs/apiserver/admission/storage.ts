// Admission of storage objects: protection while they are in use, the default class of claims.
import type { PersistentVolumeClaim, StorageClass } from '@drydock/api/generated/types.ts';
import type { AdmissionPlugin } from './admission.ts';
import { newestFirst } from './newest-first.ts';

const protections: Readonly<Record<string, string>> = {
  persistentvolumeclaims: 'kubernetes.io/pvc-protection',
  persistentvolumes: 'kubernetes.io/pv-protection',
};

/** StorageObjectInUseProtection: claims and volumes do not go while something uses them. */
export const storageProtection: AdmissionPlugin = {
  name: 'StorageObjectInUseProtection',
  mutate({ info, operation, subresource, object }) {
    const finalizer = info.group === '' ? protections[info.resource] : undefined;
    if (finalizer === undefined || operation !== 'CREATE' || subresource !== '' || object === undefined) return;
    const finalizers = object.metadata?.finalizers ?? [];
    if (!finalizers.includes(finalizer)) object.metadata = { ...object.metadata, finalizers: [...finalizers, finalizer] };
  },
};

const classAnnotation = 'volume.beta.kubernetes.io/storage-class';

/** The class of a claim, by its old annotation or its field; empty for none. */
export function classNameOf({ metadata, spec }: PersistentVolumeClaim): string {
  return metadata?.annotations?.[classAnnotation] ?? spec?.storageClassName ?? '';
}

const defaultAnnotations = ['storageclass.kubernetes.io/is-default-class', 'storageclass.beta.kubernetes.io/is-default-class'];

/** DefaultStorageClass: a claim that names no class gets the default one, the newest of several. */
export function defaultStorageClass(classes: () => Promise<Iterable<StorageClass>>): AdmissionPlugin {
  return {
    name: 'DefaultStorageClass',
    async mutate({ info, operation, subresource, object }) {
      if (info.group !== '' || info.resource !== 'persistentvolumeclaims' || operation !== 'CREATE' || subresource !== '')
        return;
      const claim = object as PersistentVolumeClaim;
      const legacy = claim.metadata?.annotations?.[classAnnotation];
      if (claim.spec === undefined || claim.spec.storageClassName !== undefined || legacy !== undefined) return;
      const defaults = [...(await classes())].filter((each) =>
        defaultAnnotations.some((name) => each.metadata?.annotations?.[name] === 'true'),
      );
      const name = newestFirst(defaults)[0]?.metadata?.name;
      if (name !== undefined) claim.spec.storageClassName = name;
    },
  };
}

// The storage class of a claim or a volume, by its field or by the annotation that was there before the field.
import type { PersistentVolume, PersistentVolumeClaim, StorageClass } from '../generated/types.ts';
import { newestFirst } from '../newest-first.ts';
import { storageClassAnnotation } from './annotations.ts';

const defaultAnnotations = ['storageclass.kubernetes.io/is-default-class', 'storageclass.beta.kubernetes.io/is-default-class'];

/** Empty for none. */
export function classOfClaim({ metadata, spec }: PersistentVolumeClaim): string {
  return metadata?.annotations?.[storageClassAnnotation] ?? spec?.storageClassName ?? '';
}

/** Empty for none. */
export function classOfVolume({ metadata, spec }: PersistentVolume): string {
  return metadata?.annotations?.[storageClassAnnotation] ?? spec?.storageClassName ?? '';
}

/** Whether the claim says something about its class, be it that it wants none. */
export function saysClass({ metadata, spec }: PersistentVolumeClaim): boolean {
  return metadata?.annotations?.[storageClassAnnotation] !== undefined || spec?.storageClassName !== undefined;
}

export function isDefaultClass({ metadata }: StorageClass): boolean {
  return defaultAnnotations.some((name) => metadata?.annotations?.[name] === 'true');
}

/** The class of claims that say nothing: of several defaults the newest. */
export function defaultClassOf(classes: Iterable<StorageClass>): StorageClass | undefined {
  return newestFirst([...classes].filter(isDefaultClass))[0];
}

/** Whether claims of the class wait for their first pod: it is the scheduler that binds them. */
export function bindsForFirstConsumer(storageClass: StorageClass | undefined): boolean {
  return storageClass?.volumeBindingMode === 'WaitForFirstConsumer';
}

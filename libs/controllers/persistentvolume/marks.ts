// What claims and volumes carry for whoever provisions: which driver took them over, and that a volume which this program is to delete
// is not gone before. Pure; follows upstream's updateMigrationAnnotations and modifyDeletionFinalizers (pv_controller.go).
import type { PersistentVolume, PersistentVolumeClaim } from '@drydock/api/generated/types.ts';
import {
  betaStorageProvisionerAnnotation,
  migratedToAnnotation,
  provisionedByAnnotation,
  storageProvisionerAnnotation,
} from '@drydock/api/storage/annotations.ts';
import { successorOf } from '../common/migrated-plugins.ts';
import { isBeingDeleted } from '../common/object-meta.ts';
import { isInTree } from './provisioner.ts';

/** On a volume that this program deletes, once it has. */
export const deletionFinalizer = 'kubernetes.io/pv-controller';

/** The claim as it is to be marked; undefined where it is. */
export function markedClaim(claim: PersistentVolumeClaim): PersistentVolumeClaim | undefined {
  const annotations = claim.metadata?.annotations ?? {};
  const provisioner = annotations[storageProvisionerAnnotation] ?? annotations[betaStorageProvisionerAnnotation];
  const marked = migrated(annotations, provisioner);
  return marked === annotations ? undefined : { ...claim, metadata: { ...claim.metadata, annotations: marked } };
}

/** The volume as it is to be marked; undefined where it is. */
export function markedVolume(volume: PersistentVolume): PersistentVolume | undefined {
  const annotations = volume.metadata?.annotations ?? {};
  const finalizers = volume.metadata?.finalizers ?? [];
  const provisioner = annotations[provisionedByAnnotation];
  const marked = migrated(annotations, provisioner);
  const held = provisioner === undefined ? finalizers : heldBy(finalizers, provisioner, volume);
  if (marked === annotations && held === finalizers) return undefined;
  return { ...volume, metadata: { ...volume.metadata, annotations: marked, finalizers: [...held] } };
}

/** Says which driver took over what the provisioner did; the same annotations where they say so. */
function migrated(annotations: Readonly<Record<string, string>>, provisioner: string | undefined): Record<string, string> {
  if (provisioner === undefined) return annotations;
  const driver = successorOf(provisioner);
  if (annotations[migratedToAnnotation] === driver) return annotations;
  const { [migratedToAnnotation]: _, ...others } = annotations;
  return driver === undefined ? others : { ...others, [migratedToAnnotation]: driver };
}

/** The same list where it is as it should be. Nothing is added to what is being deleted. */
function heldBy(finalizers: readonly string[], provisioner: string, volume: PersistentVolume): readonly string[] {
  if (!isInTree(provisioner)) return finalizers;
  const isHeld = finalizers.includes(deletionFinalizer);
  const isOurs = successorOf(provisioner) === undefined;
  if (isOurs && volume.spec?.persistentVolumeReclaimPolicy === 'Delete')
    return isHeld || isBeingDeleted(volume) ? finalizers : [...finalizers, deletionFinalizer];
  return isHeld ? finalizers.filter((each) => each !== deletionFinalizer) : finalizers;
}

// What becomes of a driver's volumes on this node: a finalizer holds them until they are deleted, and those that nobody claims any more and
// whose policy is Delete are. Pure; follows sig-storage-lib-external-provisioner.
import type { PersistentVolume } from '@drydock/api/generated/types.ts';
import { persistentVolumes } from '@drydock/api/resource.ts';
import { matchesTerm } from '@drydock/api/selectors/node-selector.ts';
import { migratedToAnnotation, provisionedByAnnotation } from '@drydock/api/storage/annotations.ts';
import { type EventAction, eventAbout, type WriteAction } from '../common/action.ts';
import { isBeingDeleted, nameOf, uidOf } from '../common/object-meta.ts';
import type { VolumeDriver } from '../common/volume-driver.ts';

/** On a volume that goes with its claim, until the driver has deleted it. */
export const provisionerFinalizer = 'external-provisioner.volume.kubernetes.io/finalizer';

export type VolumePlan =
  | { readonly kind: 'none'; readonly why: string }
  | { readonly kind: 'write'; readonly action: WriteAction }
  /** The driver deletes it; `after` is written when it has. */
  | { readonly kind: 'delete'; readonly handle: string; readonly after: WriteAction };

export function planVolume(volume: PersistentVolume, driver: Pick<VolumeDriver, 'name' | 'topology'>): VolumePlan {
  if (!isOf(volume, driver.name)) return { kind: 'none', why: 'it is of another driver' };
  if (!isHere(volume, driver.topology)) return { kind: 'none', why: 'it is on another node' };
  const { finalizers = [] } = volume.metadata ?? {};
  const isHeld = finalizers.includes(provisionerFinalizer);
  const policy = volume.spec?.persistentVolumeReclaimPolicy;
  const without = update(
    volume,
    finalizers.filter((each) => each !== provisionerFinalizer),
  );
  if (policy !== 'Delete')
    return isHeld ? { kind: 'write', action: without } : { kind: 'none', why: 'its policy is not Delete' };
  const phase = volume.status?.phase;
  if (phase === 'Bound' && !isHeld && !isBeingDeleted(volume))
    return { kind: 'write', action: update(volume, [...finalizers, provisionerFinalizer]) };
  if (phase !== 'Released') return { kind: 'none', why: 'it is not released' };
  if (isBeingDeleted(volume) && !isHeld) return { kind: 'none', why: 'it has been deleted' };
  const handle = volume.spec?.csi?.volumeHandle ?? '';
  const key = { name: nameOf(volume) };
  const removal: WriteAction = { verb: 'delete', resource: persistentVolumes, key, preconditions: { uid: uidOf(volume) } };
  return { kind: 'delete', handle, after: isBeingDeleted(volume) ? without : removal };
}

export function sayFailed(volume: PersistentVolume, error: Error): EventAction {
  return eventAbout(persistentVolumes, volume, 'Warning', 'VolumeFailedDelete', error.message);
}

/** Made by the provisioner of that driver, or by hand for it. */
function isOf({ metadata, spec }: PersistentVolume, driver: string): boolean {
  const by = metadata?.annotations?.[provisionedByAnnotation];
  if (by === undefined) return spec?.csi?.driver === driver;
  return (by === driver || metadata?.annotations?.[migratedToAnnotation] === driver) && spec?.csi !== undefined;
}

/** Whether it is reached from nodes with those labels. */
export function isHere({ spec }: PersistentVolume, topology: Readonly<Record<string, string>>): boolean {
  const required = spec?.nodeAffinity?.required;
  const node = { metadata: { labels: { ...topology } } };
  return required === undefined || required.nodeSelectorTerms.some((term) => matchesTerm(term, node));
}

function update(volume: PersistentVolume, finalizers: readonly string[]): WriteAction {
  const metadata = { ...volume.metadata, finalizers: [...finalizers] };
  return { verb: 'update', resource: persistentVolumes, object: { ...volume, metadata } };
}

// What becomes of a volume: its phase, and once its claim is gone, what its reclaim policy says. One round writes each object once.
// Pure; follows upstream's pkg/controller/volume/persistentvolume/pv_controller.go (syncVolume).
import type { PersistentVolume, PersistentVolumeClaim, Pod } from '@drydock/api/generated/types.ts';
import { persistentVolumeClaims, persistentVolumes, pods } from '@drydock/api/resource.ts';
import { boundByControllerAnnotation, provisionedByAnnotation } from '@drydock/api/storage/annotations.ts';
import { differInMode } from '@drydock/api/storage/match.ts';
import { type Action, type EventAction, eventAbout, type WriteAction } from '../common/action.ts';
import { migratedPluginOf } from '../common/migrated-plugins.ts';
import { isBeingDeleted, keyOf, nameOf, uidOf } from '../common/object-meta.ts';
import { deletionFinalizer, markedVolume } from './marks.ts';
import { isInTree } from './provisioner.ts';
import { isOfThisRelease, isRecycler, type RecyclerKinds, recyclerPod } from './recycler.ts';

/** The claim that a volume points at, as the apiserver has it. */
export interface VolumeView {
  /** The one with the uid that the volume says; undefined where there is none such any more. */
  readonly claim: PersistentVolumeClaim | undefined;
  /** Whether there is another of the same name by now. */
  readonly isNameTaken: boolean;
  /** `namespace/name` of the pods that use a claim of that name and have not ended. */
  readonly users: readonly string[];
  /** The pod of the name that the recycler's would have. */
  readonly recycler: Pod | undefined;
}

export interface VolumeSettings {
  readonly recyclers: RecyclerKinds;
  /** How long until a volume that waits is looked at again, in milliseconds. */
  readonly periodMs: number;
}

/** Files of a volume that are to be removed where this program runs. */
export interface RemoveFiles {
  readonly verb: 'remove-files';
  readonly path: string;
}

export interface VolumePlan {
  readonly actions: readonly (Action | RemoveFiles)[];
  readonly requeueAfterMs?: number | undefined;
  /** A claim whose turn it is. */
  readonly wake?: string;
  /** Emptying it failed: not at once again. */
  readonly failed?: boolean;
}

/**
 * @param volume as the apiserver has it now, where its claim is gone: its files are about to be removed.
 * @param mayRecycle whether enough time has passed since emptying it failed.
 */
export function planVolume(
  volume: PersistentVolume,
  view: VolumeView,
  settings: VolumeSettings,
  mayRecycle: boolean,
): VolumePlan {
  const marked = markedVolume(volume);
  if (marked !== undefined) return { actions: [update(marked)] };
  const reference = volume.spec?.claimRef;
  if (reference === undefined || (reference.uid ?? '') === '') return keeping(volume, view, settings, 'Available');
  const { claim } = view;
  if (claim === undefined) return planReleased(volume, view, settings, mayRecycle);
  const claimed = claim.spec?.volumeName ?? '';
  if (claimed === nameOf(volume)) return keeping(volume, view, settings, 'Bound');
  if (claimed === '')
    return differInMode(claim, volume) ? { actions: saysMismatch(volume, claim) } : { actions: [], wake: keyOf(claim) };
  const isOnlyForThat = volume.metadata?.annotations?.[provisionedByAnnotation] !== undefined;
  if (isOnlyForThat && volume.spec?.persistentVolumeReclaimPolicy === 'Delete')
    return planReleased(volume, view, settings, mayRecycle);
  return { actions: [unbind(volume)] };
}

/** What is not released is not emptied: a pod that would still do so goes first. */
function keeping(volume: PersistentVolume, { recycler }: VolumeView, settings: VolumeSettings, phase: string): VolumePlan {
  const wanted = recycler && recyclerPod(volume, settings.recyclers);
  const isLeft = recycler !== undefined && wanted !== undefined && !isBeingDeleted(recycler) && isRecycler(recycler, wanted);
  return { actions: [...(isLeft ? [removal(recycler)] : []), ...withPhase(volume, phase)] };
}

function saysMismatch(volume: PersistentVolume, claim: PersistentVolumeClaim): EventAction[] {
  const ofVolume = `Cannot bind PersistentVolume to requested PersistentVolumeClaim ${JSON.stringify(nameOf(claim))} due to incompatible volumeMode.`;
  const ofClaim = `Cannot bind PersistentVolume ${JSON.stringify(nameOf(volume))} to requested PersistentVolumeClaim due to incompatible volumeMode.`;
  return [
    eventAbout(persistentVolumes, volume, 'Warning', 'VolumeMismatch', ofVolume),
    eventAbout(persistentVolumeClaims, claim, 'Warning', 'VolumeMismatch', ofClaim),
  ];
}

/** Its claim is gone. The phase comes first; Failed stays, so that it is seen that something went wrong. */
function planReleased(volume: PersistentVolume, view: VolumeView, settings: VolumeSettings, mayRecycle: boolean): VolumePlan {
  const phase = volume.status?.phase;
  if (phase !== 'Released' && phase !== 'Failed') return { actions: withPhase(volume, 'Released') };
  switch (volume.spec?.persistentVolumeReclaimPolicy) {
    case 'Retain':
      return { actions: [] };
    case 'Delete':
      return planDelete(volume, settings);
    case 'Recycle':
      return planRecycle(volume, view, settings, mayRecycle);
    default:
      return {
        actions: failed(volume, 'VolumeUnknownReclaimPolicy', 'Volume has unrecognized PersistentVolumeReclaimPolicy'),
      };
  }
}

function planDelete(volume: PersistentVolume, settings: VolumeSettings): VolumePlan {
  const { finalizers = [], annotations } = volume.metadata ?? {};
  const isHeld = finalizers.includes(deletionFinalizer);
  if (isBeingDeleted(volume) && !isHeld) return { actions: [] };
  const provisioner = annotations?.[provisionedByAnnotation] ?? '';
  if (provisioner !== '' && !isInTree(provisioner)) return { actions: [] };
  // What drivers have taken over, and what is theirs, they delete.
  if (volume.spec?.csi !== undefined || migratedPluginOf(volume) !== undefined) return { actions: [] };
  const { hostPath, nfs } = volume.spec ?? {};
  const name = nameOf(volume);
  if (hostPath === undefined) {
    const why = `no ${nfs === undefined ? '' : 'deletable '}volume plugin matched`;
    const message = `error getting deleter volume plugin for volume ${JSON.stringify(name)}: ${why}`;
    return { actions: failed(volume, 'VolumeFailedDelete', message) };
  }
  if (!/^\/tmp\/.+/.test(hostPath.path)) {
    const message = `host_path deleter only supports /tmp/.+ but received provided ${hostPath.path}`;
    return { actions: failed(volume, 'VolumeFailedDelete', message) };
  }
  const { uid = '', resourceVersion = '' } = volume.metadata ?? {};
  // Where the finalizer holds it, it is being deleted from then on, and goes in a later round.
  const ending: WriteAction = isBeingDeleted(volume)
    ? update({
        ...volume,
        metadata: { ...volume.metadata, finalizers: finalizers.filter((each) => each !== deletionFinalizer) },
      })
    : { verb: 'delete', resource: persistentVolumes, key: { name }, preconditions: { uid, resourceVersion } };
  return { actions: [{ verb: 'remove-files', path: hostPath.path }, ending], requeueAfterMs: settings.periodMs };
}

/**
 * A pod empties it. The pod is removed before the volume is handed out again: one that is there and has ended well has emptied it
 * since it was released.
 */
function planRecycle(volume: PersistentVolume, view: VolumeView, settings: VolumeSettings, mayRecycle: boolean): VolumePlan {
  const later = { requeueAfterMs: settings.periodMs };
  if (isBeingDeleted(volume)) return { actions: [] };
  if (view.users.length > 0 && !view.isNameTaken) {
    const message = `Volume is used by pods: ${view.users.join(',')}`;
    return { actions: [eventAbout(persistentVolumes, volume, 'Normal', 'VolumeFailedRecycle', message)], ...later };
  }
  const wanted = recyclerPod(volume, settings.recyclers);
  if (wanted === undefined)
    return { actions: failed(volume, 'VolumeFailedRecycle', 'No recycler plugin found for the volume!') };
  const { recycler } = view;
  if (recycler === undefined) {
    if (!mayRecycle) return { actions: [], ...later };
    return { actions: [{ verb: 'create', resource: pods, object: wanted }], ...later };
  }
  if (isBeingDeleted(recycler)) return { actions: [], ...later };
  if (!isRecycler(recycler, wanted) || !isOfThisRelease(recycler, volume)) return { actions: [removal(recycler)], ...later };
  const { phase, message } = recycler.status ?? {};
  if (phase === 'Succeeded') {
    const said = eventAbout(persistentVolumes, volume, 'Normal', 'VolumeRecycled', 'Volume recycled');
    return { actions: [removal(recycler), unbind(volume), said] };
  }
  if (phase === 'Failed') {
    const why = (message ?? '') === '' ? 'pod failed, pod.Status.Message unknown' : message;
    const actions = failed(volume, 'VolumeFailedRecycle', `Recycle failed: failed to recycle volume: ${why}`);
    return { actions: [removal(recycler), ...actions], failed: true, ...later };
  }
  return { actions: [], ...later };
}

function removal(pod: Pod): WriteAction {
  const key = { namespace: pod.metadata?.namespace, name: nameOf(pod) };
  return { verb: 'delete', resource: pods, key, preconditions: { uid: uidOf(pod) } };
}

/** The volume is let go: wholly where a controller had bound it, else it stays reserved for a claim of that name. */
function unbind(volume: PersistentVolume): WriteAction {
  const { [boundByControllerAnnotation]: byController, ...annotations } = volume.metadata?.annotations ?? {};
  const { claimRef, ...spec } = volume.spec ?? {};
  if (byController === undefined) {
    const { uid, ...reference } = claimRef ?? {};
    return update({ ...volume, spec: { ...spec, claimRef: reference } });
  }
  return update({ ...volume, metadata: { ...volume.metadata, annotations }, spec });
}

function update(object: PersistentVolume, subresource?: string): WriteAction {
  return { verb: 'update', resource: persistentVolumes, object, ...(subresource === undefined ? {} : { subresource }) };
}

function withPhase(volume: PersistentVolume, phase: string, message?: string): WriteAction[] {
  if (volume.status?.phase === phase) return [];
  const { message: _, ...rest } = volume.status ?? {};
  const status = { ...rest, phase, ...(message === undefined ? {} : { message }) };
  return [update({ ...volume, status }, 'status')];
}

/** It could not be reclaimed. What is said once is not said again. */
export function failed(volume: PersistentVolume, reason: string, message: string): Action[] {
  const writes = withPhase(volume, 'Failed', message);
  return writes.length === 0 ? [] : [...writes, eventAbout(persistentVolumes, volume, 'Warning', reason, message)];
}

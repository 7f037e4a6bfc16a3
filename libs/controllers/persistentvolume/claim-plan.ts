// What a claim lacks: a volume, the marks of being bound, its phase. One round writes each object once; what follows from a write
// is the next round's. Pure; follows upstream's pkg/controller/volume/persistentvolume/pv_controller.go (syncClaim).
import type {
  ObjectReference,
  PersistentVolume,
  PersistentVolumeClaim,
  PersistentVolumeClaimStatus,
  StorageClass,
} from '@drydock/api/generated/types.ts';
import { persistentVolumeClaims, persistentVolumes } from '@drydock/api/resource.ts';
import {
  betaStorageProvisionerAnnotation,
  bindCompletedAnnotation,
  boundByControllerAnnotation,
  selectedNodeAnnotation,
  storageProvisionerAnnotation,
} from '@drydock/api/storage/annotations.ts';
import { bindsForFirstConsumer, classOfClaim, saysClass } from '@drydock/api/storage/classes.ts';
import { bestVolume, isBoundTo, whyUnfit } from '@drydock/api/storage/match.ts';
import { type Action, type EventAction, eventAbout, type Plan, referenceTo, type WriteAction } from '../common/action.ts';
import { semanticEqual } from '../common/equality.ts';
import { nameOf, uidOf } from '../common/object-meta.ts';
import { markedClaim } from './marks.ts';
import { provisionerOf } from './provisioner.ts';

/** What is known besides the claim. */
export interface ClaimView {
  /** The volume that the claim names, where it names one. */
  readonly named: PersistentVolume | undefined;
  /** All that might fit. */
  volumes(): Iterable<PersistentVolume>;
  storageClass(name: string): StorageClass | undefined;
  /** The class for claims that say nothing. */
  defaultClass(): StorageClass | undefined;
  /** Names of the pods that use the claim and have no node yet. */
  unscheduledPods(): readonly string[];
}

export interface ClaimSettings {
  /** How long until a claim that waits is looked at again, in milliseconds (--pvclaimbinder-sync-period). */
  readonly periodMs: number;
  /** --enable-dynamic-provisioning */
  readonly provisions: boolean;
}

/** @returns the actions of this round; a claim that is as it should be has none. */
export function planClaim(claim: PersistentVolumeClaim, view: ClaimView, settings: ClaimSettings): Plan {
  const marked = markedClaim(claim);
  if (marked !== undefined) return { actions: [update(marked)] };
  if (claim.metadata?.annotations?.[bindCompletedAnnotation] !== undefined) return { actions: planBound(claim, view) };
  const actions = (claim.spec?.volumeName ?? '') === '' ? planUnbound(claim, view, settings) : planNamed(claim, view);
  return { actions, requeueAfterMs: settings.periodMs };
}

function planUnbound(claim: PersistentVolumeClaim, view: ClaimView, settings: ClaimSettings): Action[] {
  const className = classOfClaim(claim);
  const storageClass = className === '' ? undefined : view.storageClass(className);
  const delayed = bindsForFirstConsumer(storageClass);
  const volume = bestVolume(claim, view.volumes(), delayed);
  if (volume !== undefined) return bind(claim, volume);
  const defaultClass = saysClass(claim) ? undefined : view.defaultClass();
  if (defaultClass !== undefined) {
    const spec = { ...claim.spec, storageClassName: nameOf(defaultClass) };
    return [update({ ...claim, spec })];
  }
  if (delayed && claim.metadata?.annotations?.[selectedNodeAnnotation] === undefined)
    return [...withStatus(claim, 'Pending'), waiting(claim, view.unscheduledPods())];
  if (className !== '') return settings.provisions ? provision(claim, className, storageClass) : [];
  const none = 'no persistent volumes available for this claim and no storage class is set';
  return [...withStatus(claim, 'Pending'), eventAbout(persistentVolumeClaims, claim, 'Normal', 'FailedBinding', none)];
}

function waiting(claim: PersistentVolumeClaim, pods: readonly string[]): EventAction {
  if (pods.length === 0) {
    const message = 'waiting for first consumer to be created before binding';
    return eventAbout(persistentVolumeClaims, claim, 'Normal', 'WaitForFirstConsumer', message);
  }
  const message = `waiting for pod${pods.length > 1 ? 's' : ''} ${pods.join(',')} to be scheduled`;
  return eventAbout(persistentVolumeClaims, claim, 'Normal', 'WaitForPodScheduled', message);
}

/** Every provisioner is a program of its own by now: the claim is marked for it. */
function provision(claim: PersistentVolumeClaim, className: string, storageClass: StorageClass | undefined): Action[] {
  const warn = (message: string) => eventAbout(persistentVolumeClaims, claim, 'Warning', 'ProvisioningFailed', message);
  if (storageClass === undefined) return [warn(`storageclass.storage.k8s.io ${JSON.stringify(className)} not found`)];
  const provisioner = provisionerOf(storageClass);
  if (provisioner === undefined) return [warn(`no volume plugin matched name: ${storageClass.provisioner}`)];
  const said = eventAbout(
    persistentVolumeClaims,
    claim,
    'Normal',
    'ExternalProvisioning',
    `Waiting for a volume to be created either by the external provisioner '${provisioner}' or manually by the system administrator. If volume creation is delayed, please verify that the provisioner is running and correctly registered.`,
  );
  const { annotations } = claim.metadata ?? {};
  if (annotations?.[storageProvisionerAnnotation] === provisioner) return [said];
  const marks = { [betaStorageProvisionerAnnotation]: provisioner, [storageProvisionerAnnotation]: provisioner };
  return [update(annotated(claim, marks)), said];
}

/** The user asks for one volume by name. */
function planNamed(claim: PersistentVolumeClaim, { named }: ClaimView): Action[] {
  if (named === undefined) return withStatus(claim, 'Pending');
  if (named.spec?.claimRef === undefined) {
    const why = whyUnfit(named, claim);
    if (why === undefined) return bind(claim, named);
    const message = `Cannot bind to requested volume ${JSON.stringify(nameOf(named))}: ${why}`;
    return [eventAbout(persistentVolumeClaims, claim, 'Warning', 'VolumeMismatch', message), ...withStatus(claim, 'Pending')];
  }
  if (isBoundTo(named, claim)) return bind(claim, named);
  const message = `volume ${JSON.stringify(nameOf(named))} already bound to a different claim.`;
  return [eventAbout(persistentVolumeClaims, claim, 'Warning', 'FailedBinding', message), ...withStatus(claim, 'Pending')];
}

/** The claim has been bound; it may have lost its volume since. */
function planBound(claim: PersistentVolumeClaim, { named }: ClaimView): Action[] {
  if ((claim.spec?.volumeName ?? '') === '')
    return lost(claim, 'ClaimLost', 'Bound claim has lost reference to PersistentVolume. Data on the volume is lost!');
  if (named === undefined)
    return lost(claim, 'ClaimLost', 'Bound claim has lost its PersistentVolume. Data on the volume is lost!');
  const reference = named.spec?.claimRef;
  if (reference === undefined || reference.uid === uidOf(claim)) return bind(claim, named);
  return lost(claim, 'ClaimMisbound', 'Two claims are bound to the same volume, this one is bound incorrectly');
}

function lost(claim: PersistentVolumeClaim, reason: string, message: string): Action[] {
  if (claim.status?.phase === 'Lost') return [];
  return [...withStatus(claim, 'Lost'), eventAbout(persistentVolumeClaims, claim, 'Warning', reason, message)];
}

/** Both point at each other, the volume first: a claim that points at a volume is its own only where that is so. Then the phase. */
function bind(claim: PersistentVolumeClaim, volume: PersistentVolume): Action[] {
  const actions: Action[] = [];
  if (volume.spec?.claimRef?.uid !== uidOf(claim)) {
    const marks = isBoundTo(volume, claim) ? {} : { [boundByControllerAnnotation]: 'yes' };
    const claimRef: ObjectReference = referenceTo(persistentVolumeClaims, claim);
    const object = annotated({ ...volume, spec: { ...volume.spec, claimRef } }, marks);
    actions.push({ verb: 'update', resource: persistentVolumes, object });
  }
  const isNamed = claim.spec?.volumeName === nameOf(volume);
  if (!isNamed || claim.metadata?.annotations?.[bindCompletedAnnotation] === undefined) {
    const marks = { [bindCompletedAnnotation]: 'yes', ...(isNamed ? {} : { [boundByControllerAnnotation]: 'yes' }) };
    const object = annotated({ ...claim, spec: { ...claim.spec, volumeName: nameOf(volume) } }, marks);
    actions.push(update(object));
  }
  return actions.length > 0 ? actions : withStatus(claim, 'Bound', volume);
}

function update(object: PersistentVolumeClaim, subresource?: string): WriteAction {
  return { verb: 'update', resource: persistentVolumeClaims, object, ...(subresource === undefined ? {} : { subresource }) };
}

function annotated<T extends PersistentVolume | PersistentVolumeClaim>(object: T, marks: Readonly<Record<string, string>>): T {
  if (Object.keys(marks).length === 0) return object;
  const { metadata } = object;
  return { ...object, metadata: { ...metadata, annotations: { ...metadata?.annotations, ...marks } } };
}

/** The claim's status with that phase, and with what its volume is; nothing where it is so. */
function withStatus(claim: PersistentVolumeClaim, phase: string, volume?: PersistentVolume): Action[] {
  const { accessModes, capacity, currentVolumeAttributesClassName, ...rest } = claim.status ?? {};
  let status: PersistentVolumeClaimStatus = { ...rest, phase };
  if (volume !== undefined) {
    const becomes = claim.status?.phase !== phase;
    // A volume that has grown shows on a bound claim once its file system has, too.
    const size = becomes ? volume.spec?.capacity : capacity;
    const attributes = becomes ? volume.spec?.volumeAttributesClassName : currentVolumeAttributesClassName;
    status = {
      ...status,
      ...(volume.spec?.accessModes === undefined ? {} : { accessModes: volume.spec.accessModes }),
      ...(size === undefined ? {} : { capacity: size }),
      ...(attributes === undefined ? {} : { currentVolumeAttributesClassName: attributes }),
    };
  }
  if (semanticEqual(status, claim.status)) return [];
  return [update({ ...claim, status }, 'status')];
}

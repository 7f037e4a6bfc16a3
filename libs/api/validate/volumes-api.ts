// Rules of persistent volumes, claims and storage classes.
import type { PersistentVolume, PersistentVolumeClaim, StorageClass } from '../generated/types.ts';
import { isObject, semanticEqual } from '../json.ts';
import { dns1123SubdomainErrors } from '../names.ts';
import { compareQuantities, tryParseQuantity } from '../quantity.ts';
import { storageClassAnnotation } from '../storage/annotations.ts';
import { storageIn } from '../storage/size.ts';
import { oneOf } from './common.ts';
import { rules } from './define.ts';
import { type FieldError, forbidden, goMap, invalid, notSupported, required } from './field-error.ts';
import { validateClaimStatus } from './other-status.ts';
import { noDotDot } from './volume.ts';

const accessModes = ['ReadOnlyMany', 'ReadWriteMany', 'ReadWriteOnce', 'ReadWriteOncePod'];
const immutableSpec =
  'spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims';

export const volumeRules = [
  rules<PersistentVolume>('/PersistentVolume', { create: validateVolume }),
  rules<PersistentVolumeClaim>('/PersistentVolumeClaim', {
    create: validateClaim,
    update: validateClaimUpdate,
    subresources: { status: validateClaimStatus },
  }),
  rules<StorageClass>('storage.k8s.io/StorageClass', { create: validateClass, update: validateClassUpdate }),
];

const notSources = new Set(['capacity', 'claimRef', 'nodeAffinity']);

function validateVolume(volume: PersistentVolume): FieldError[] {
  const spec = volume.spec ?? {};
  const errors = modeErrors(spec.accessModes ?? []);
  const capacity = spec.capacity;
  if ((spec.accessModes ?? []).length === 0) errors.unshift(required('spec.accessModes'));
  if (capacity === undefined) errors.push(required('spec.capacity'));
  if (capacity?.storage === undefined || Object.keys(capacity).length > 1)
    errors.push(notSupported('spec.capacity', goMap(capacity), ['storage']));
  for (const [name, text] of Object.entries(capacity ?? {}))
    if (name === 'storage') errors.push(...positive(text, `spec.capacity[${name}]`));
  errors.push(
    ...oneOf(spec.persistentVolumeReclaimPolicy, ['Delete', 'Recycle', 'Retain'], 'spec.persistentVolumeReclaimPolicy'),
  );
  const sources = Object.entries(spec).filter(([key, value]) => isObject(value) && !notSources.has(key));
  if (sources.length === 0) errors.push(required('spec', 'must specify a volume type'));
  if (spec.hostPath !== undefined) errors.push(...noDotDot(spec.hostPath.path, 'spec.hostPath.path'));
  for (const [key] of sources.filter(([key]) => key !== (spec.hostPath === undefined ? sources[0]?.[0] : 'hostPath'))) {
    errors.push(forbidden(`spec.${key}`, 'may not specify more than 1 volume type'));
  }
  return errors.concat(className(spec.storageClassName), oneOf(spec.volumeMode, ['Block', 'Filesystem'], 'spec.volumeMode'));
}

function modeErrors(modes: readonly string[]): FieldError[] {
  return modes.filter((mode) => !accessModes.includes(mode)).map((mode) => notSupported('spec.accessModes', mode, accessModes));
}

function positive(text: string, path: string): FieldError[] {
  const quantity = tryParseQuantity(text);
  return quantity !== undefined && quantity.unscaled > 0n ? [] : [invalid(path, text, 'must be greater than zero')];
}

function className(name: string | undefined): FieldError[] {
  return name ? dns1123SubdomainErrors(name).map((text) => invalid('spec.storageClassName', name, text)) : [];
}

function validateClaim(claim: PersistentVolumeClaim): FieldError[] {
  const spec = claim.spec ?? {};
  const modes = spec.accessModes ?? [];
  const errors = modes.length === 0 ? [required('spec.accessModes', 'at least 1 access mode is required')] : modeErrors(modes);
  const storage = spec.resources?.requests?.storage;
  if (storage === undefined) errors.push(required('spec.resources[storage]'));
  else errors.push(...positive(storage, 'spec.resources[storage]'));
  return errors.concat(className(spec.storageClassName), oneOf(spec.volumeMode, ['Block', 'Filesystem'], 'spec.volumeMode'));
}

function validateClaimUpdate(claim: PersistentVolumeClaim, old: PersistentVolumeClaim): FieldError[] {
  const errors = validateClaim(claim);
  const annotated = claim.metadata?.annotations?.[storageClassAnnotation];
  const before = old.metadata?.annotations?.[storageClassAnnotation];
  if (!movesAnnotation(claim, old) && annotated !== before)
    errors.push(invalid(`metadata.annotations.${storageClassAnnotation}`, annotated ?? '', 'field is immutable'));
  if (!semanticEqual(fixedSpec(claim, old), old.spec ?? {})) errors.push(forbidden('spec', immutableSpec));
  const [size, had, has] = [
    storageIn(claim.spec?.resources?.requests),
    storageIn(old.spec?.resources?.requests),
    storageIn(old.status?.capacity),
  ];
  if (compareQuantities(size, had) < 0 && compareQuantities(size, has) <= 0)
    errors.push(forbidden('spec.resources.requests.storage', 'field can not be less than status.capacity'));
  return errors;
}

/** The new spec, without what may have changed. */
function fixedSpec(claim: PersistentVolumeClaim, old: PersistentVolumeClaim): object {
  const spec = { ...claim.spec };
  const before = old.spec ?? {};
  if (!before.volumeName) spec.volumeName = before.volumeName;
  if (takesClass(claim, old)) spec.storageClassName = before.storageClassName;
  if (claim.status?.phase !== 'Bound') return spec;
  const { requests } = spec.resources ?? {};
  if (requests !== undefined)
    spec.resources = { ...spec.resources, requests: { ...requests, storage: before.resources?.requests?.storage ?? '0' } };
  if (spec.volumeAttributesClassName !== undefined) spec.volumeAttributesClassName = before.volumeAttributesClassName;
  return spec;
}

/** A claim without a class may get one, once, or the one that its old annotation named. */
function takesClass(claim: PersistentVolumeClaim, old: PersistentVolumeClaim): boolean {
  if (movesAnnotation(claim, old)) return true;
  const annotated = Object.hasOwn(old.metadata?.annotations ?? {}, storageClassAnnotation);
  return !annotated && old.spec?.storageClassName === undefined && claim.spec?.storageClassName !== undefined;
}

function movesAnnotation(claim: PersistentVolumeClaim, old: PersistentVolumeClaim): boolean {
  const name = old.metadata?.annotations?.[storageClassAnnotation];
  const unmoved = old.spec?.storageClassName === undefined && name !== undefined;
  return (
    unmoved && claim.metadata?.annotations?.[storageClassAnnotation] === undefined && claim.spec?.storageClassName === name
  );
}

function validateClass(storageClass: StorageClass): FieldError[] {
  return [
    ...(storageClass.provisioner ? [] : [required('provisioner')]),
    ...oneOf(storageClass.reclaimPolicy, ['Delete', 'Retain'], 'reclaimPolicy'),
    ...oneOf(storageClass.volumeBindingMode, ['Immediate', 'WaitForFirstConsumer'], 'volumeBindingMode', true),
  ];
}

function validateClassUpdate(storageClass: StorageClass, old: StorageClass): FieldError[] {
  const errors: FieldError[] = [];
  for (const field of ['parameters', 'provisioner', 'reclaimPolicy', 'volumeBindingMode'] as const) {
    if (!semanticEqual(storageClass[field], old[field])) errors.push(invalid(field, storageClass[field], 'field is immutable'));
  }
  return errors;
}

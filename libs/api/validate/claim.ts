// Rules of persistent volume claims, and of the claims that pods bring along (pkg/apis/core/validation).
import type {
  PersistentVolumeClaim,
  PersistentVolumeClaimSpec,
  PersistentVolumeClaimTemplate,
  TypedLocalObjectReference,
  TypedObjectReference,
} from '../generated/types.ts';
import { semanticEqual } from '../json.ts';
import { dns1123LabelErrors, dns1123SubdomainErrors } from '../names.ts';
import { compareQuantities, tryParseQuantity } from '../quantity.ts';
import { storageClassAnnotation } from '../storage/annotations.ts';
import { storageIn } from '../storage/size.ts';
import { validateSelector } from './common.ts';
import { rules } from './define.ts';
import { type FieldError, forbidden, invalid, notSupported, required } from './field-error.ts';
import { validateAnnotations, validateLabels } from './meta.ts';
import { validateClaimStatus } from './other-status.ts';

const accessModes = ['ReadOnlyMany', 'ReadWriteMany', 'ReadWriteOnce', 'ReadWriteOncePod'];
const immutableSpec =
  'spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims';

export const claimRules = [
  rules<PersistentVolumeClaim>('/PersistentVolumeClaim', {
    create: ({ spec }) => validateClaimSpec(spec ?? {}, 'spec'),
    update: validateClaimUpdate,
    subresources: { status: validateClaimStatus },
  }),
];

/** Access modes of claims and volumes, at `path`. */
export function modeErrors(modes: readonly string[], path: string): FieldError[] {
  const errors = modes.filter((mode) => !accessModes.includes(mode)).map((mode) => notSupported(path, mode, accessModes));
  if (modes.includes('ReadWriteOncePod') && modes.some((mode) => mode !== 'ReadWriteOncePod'))
    errors.push(forbidden(path, 'may not use ReadWriteOncePod with other access modes'));
  return errors;
}

export function positive(text: string, path: string): FieldError[] {
  const quantity = tryParseQuantity(text);
  return quantity !== undefined && quantity.unscaled > 0n ? [] : [invalid(path, text, 'must be greater than zero')];
}

/** The name of a class, where there is one. */
export function className(name: string | undefined, path: string): FieldError[] {
  return name ? dns1123SubdomainErrors(name).map((text) => invalid(path, name, text)) : [];
}

/** A mode of volumes, which has a default: empty is none. */
export function volumeModeErrors(mode: string | undefined, path: string): FieldError[] {
  return mode === undefined || mode === 'Block' || mode === 'Filesystem'
    ? []
    : [notSupported(path, mode, ['Block', 'Filesystem'])];
}

export function validateClaimSpec(spec: PersistentVolumeClaimSpec, path: string): FieldError[] {
  const modes = spec.accessModes ?? [];
  const errors = modes.length === 0 ? [required(`${path}.accessModes`, 'at least 1 access mode is required')] : [];
  errors.push(...validateSelector(spec.selector, `${path}.selector`), ...modeErrors(modes, `${path}.accessModes`));
  const storage = spec.resources?.requests?.storage;
  if (storage === undefined) errors.push(required(`${path}.resources[storage]`));
  else errors.push(...positive(storage, `${path}.resources[storage]`));
  errors.push(
    ...className(spec.storageClassName, `${path}.storageClassName`),
    ...volumeModeErrors(spec.volumeMode, `${path}.volumeMode`),
    ...validateSource(spec.dataSource, `${path}.dataSource`),
    ...validateSource(spec.dataSourceRef, `${path}.dataSourceRef`),
  );
  const { dataSource, dataSourceRef } = spec;
  if (
    dataSource !== undefined &&
    dataSourceRef !== undefined &&
    !dataSourceRef.namespace &&
    !semanticEqual(dataSource, dataSourceRef)
  )
    errors.push(invalid(path, {}, 'must match dataSourceRef'));
  return errors.concat(className(spec.volumeAttributesClassName, `${path}.volumeAttributesClassName`));
}

/** What a claim's volume is filled with. */
function validateSource(source: TypedLocalObjectReference | TypedObjectReference | undefined, path: string): FieldError[] {
  if (source === undefined) return [];
  const { apiGroup, kind, name } = source;
  const errors: FieldError[] = [];
  if (!name) errors.push(required(`${path}.name`));
  if (!kind) errors.push(required(`${path}.kind`));
  if (!apiGroup && kind !== 'PersistentVolumeClaim')
    errors.push(invalid(path, kind, "must be 'PersistentVolumeClaim' when referencing the default apiGroup"));
  if (apiGroup) for (const text of dns1123SubdomainErrors(apiGroup)) errors.push(invalid(`${path}.apiGroup`, apiGroup, text));
  if ('namespace' in source && source.namespace)
    for (const text of dns1123LabelErrors(source.namespace)) errors.push(invalid(`${path}.namespace`, source.namespace, text));
  return errors;
}

/** A claim that a pod brings along: of its metadata labels and annotations alone. */
export function validateClaimTemplate({ metadata = {}, spec }: PersistentVolumeClaimTemplate, path: string): FieldError[] {
  const errors = [
    ...validateAnnotations(metadata.annotations, `${path}.metadata.annotations`),
    ...validateLabels(metadata.labels, `${path}.metadata.labels`),
  ];
  for (const [key, value] of Object.entries(metadata))
    if (key !== 'labels' && key !== 'annotations' && value) errors.push(forbidden(`${path}.metadata.${key}`, 'cannot be set'));
  return errors.concat(validateClaimSpec(spec, `${path}.spec`));
}

function validateClaimUpdate(claim: PersistentVolumeClaim, old: PersistentVolumeClaim): FieldError[] {
  const errors = validateClaimSpec(claim.spec ?? {}, 'spec');
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
  if (claim.spec?.volumeMode !== old.spec?.volumeMode)
    errors.push(invalid('volumeMode', claim.spec?.volumeMode, 'field is immutable'));
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

// Rules of persistent volumes (pkg/apis/core/validation), those that a VolumeAttachment holds included.
import type {
  CSIPersistentVolumeSource,
  NodeSelectorRequirement,
  PersistentVolume,
  PersistentVolumeSpec,
  SecretReference,
  VolumeNodeAffinity,
} from '../generated/types.ts';
import { isObject, semanticEqual } from '../json.ts';
import { className, modeErrors, positive, volumeModeErrors } from './claim.ts';
import { amountErrors, driverNameErrors, oneOf } from './common.ts';
import { rules } from './define.ts';
import { type FieldError, forbidden, goMap, invalid, notSupported, required } from './field-error.ts';
import { validateNodeSelector } from './pod-scheduling.ts';
import { hostPathErrors, nfsErrors, noDotDot } from './volume.ts';

export const volumeRules = [
  rules<PersistentVolume>('/PersistentVolume', {
    create: ({ spec }) => validateVolumeSpec(spec ?? {}, 'spec', 'whole'),
    update: validateVolumeUpdate,
  }),
];

/** Fields of a spec that hold structures and are not where the volume comes from. */
const notSources = new Set(['capacity', 'claimRef', 'nodeAffinity']);

/** Upstream's order of looking at the sources; those after these it looks at last. */
const order = ['hostPath', 'nfs', 'local', 'csi'];

function rank(field: string): number {
  return order.indexOf(field) < 0 ? order.length : order.indexOf(field);
}

function sourcesOf(spec: PersistentVolumeSpec): string[] {
  return Object.entries(spec)
    .filter(([key, value]) => isObject(value) && !notSources.has(key))
    .map(([key]) => key)
    .sort((a, b) => rank(a) - rank(b));
}

/** @param kind `inline` in a VolumeAttachment: what says how the volume is handed out may not be there. */
export function validateVolumeSpec(spec: PersistentVolumeSpec, path: string, kind: 'whole' | 'inline'): FieldError[] {
  const modes = spec.accessModes ?? [];
  const errors = kind === 'inline' ? notInline(spec, path) : [];
  if (modes.length === 0) errors.push(required(`${path}.accessModes`));
  errors.push(...modeErrors(modes, `${path}.accessModes`));
  if (kind === 'whole') errors.push(...beforeSources(spec, path));
  const sources = sourcesOf(spec);
  if (sources.length === 0) errors.push(required(path, 'must specify a volume type'));
  sources.forEach((field, index) => {
    if (index > 0) errors.push(forbidden(`${path}.${field}`, 'may not specify more than 1 volume type'));
    else errors.push(...validateSource(spec, field, path));
  });
  if (kind === 'whole') errors.push(...afterSources(spec, path));
  if (spec.volumeAttributesClassName === '')
    errors.push(required(`${path}.volumeAttributesClassName`, 'an empty string is disallowed'));
  return errors.concat(className(spec.volumeAttributesClassName, `${path}.volumeAttributesClassName`));
}

function beforeSources(spec: PersistentVolumeSpec, path: string): FieldError[] {
  const policies = ['Delete', 'Recycle', 'Retain'];
  return [
    ...validateCapacity(spec.capacity, `${path}.capacity`),
    ...oneOf(spec.persistentVolumeReclaimPolicy, policies, `${path}.persistentVolumeReclaimPolicy`),
    ...validateAffinity(spec, `${path}.nodeAffinity`),
  ];
}

function afterSources(spec: PersistentVolumeSpec, path: string): FieldError[] {
  const isRoot = /^\/+$/.test(spec.hostPath?.path ?? '');
  return [
    ...(isRoot && spec.persistentVolumeReclaimPolicy === 'Recycle'
      ? [forbidden(`${path}.persistentVolumeReclaimPolicy`, "may not be 'recycle' for a hostPath mount of '/'")]
      : []),
    ...className(spec.storageClassName, `${path}.storageClassName`),
    ...volumeModeErrors(spec.volumeMode, `${path}.volumeMode`),
  ];
}

/** What does not go with a volume that nobody claims. */
function notInline(spec: PersistentVolumeSpec, path: string): FieldError[] {
  const what = 'may not be specified in the context of inline volumes';
  const errors: FieldError[] = [];
  for (const field of ['capacity', 'claimRef', 'nodeAffinity'] as const)
    if (spec[field] !== undefined) errors.push(forbidden(`${path}.${field}`, what));
  if (spec.csi === undefined) errors.push(required(`${path}.csi`, 'has to be specified in the context of inline volumes'));
  if (spec.persistentVolumeReclaimPolicy && spec.persistentVolumeReclaimPolicy !== 'Retain')
    errors.push(forbidden(`${path}.persistentVolumeReclaimPolicy`, 'may only be Retain in the context of inline volumes'));
  if (spec.storageClassName) errors.push(forbidden(`${path}.storageClassName`, what));
  if (spec.volumeMode !== undefined && spec.volumeMode !== 'Filesystem')
    errors.push(
      forbidden(`${path}.volumeMode`, 'may not specify volumeMode other than Filesystem in the context of inline volumes'),
    );
  return errors;
}

function validateCapacity(capacity: Readonly<Record<string, string>> | undefined, path: string): FieldError[] {
  const errors: FieldError[] = [];
  if (capacity === undefined) errors.push(required(path));
  if (capacity?.['storage'] === undefined || Object.keys(capacity).length > 1)
    errors.push(notSupported(path, goMap(capacity), ['storage']));
  for (const [name, text] of Object.entries(capacity ?? {}))
    if (name === 'storage') errors.push(...amountErrors(text, `${path}[${name}]`), ...positive(text, `${path}[${name}]`));
  return errors;
}

/** Pods find a volume that is on one node by nothing else. */
function validateAffinity({ nodeAffinity }: PersistentVolumeSpec, path: string): FieldError[] {
  if (nodeAffinity === undefined) return [];
  if (nodeAffinity.required === undefined) return [required(`${path}.required`, 'must specify required node constraints')];
  return validateNodeSelector(nodeAffinity.required, `${path}.required`);
}

function validateSource(spec: PersistentVolumeSpec, field: string, path: string): FieldError[] {
  const at = `${path}.${field}`;
  switch (field) {
    case 'hostPath':
      return hostPathErrors(spec.hostPath ?? { path: '' }, at);
    case 'nfs':
      return nfsErrors(spec.nfs ?? { path: '', server: '' }, at);
    case 'local': {
      const where = spec.local?.path;
      return [
        ...(where ? noDotDot(where, `${at}.path`) : [required(`${at}.path`)]),
        ...(spec.nodeAffinity === undefined ? [required(`${path}.nodeAffinity`, 'Local volume requires node affinity')] : []),
      ];
    }
    case 'csi':
      return spec.csi === undefined ? [] : validateCsi(spec.csi, at);
    default:
      return [];
  }
}

/** Not `nodeStageSecretRef`: upstream takes it as it is. */
const secretFields = [
  'controllerPublishSecretRef',
  'controllerExpandSecretRef',
  'nodePublishSecretRef',
  'nodeExpandSecretRef',
] as const;

function validateCsi(csi: CSIPersistentVolumeSource, path: string): FieldError[] {
  const errors = driverNameErrors(csi.driver, `${path}.driver`);
  if (!csi.volumeHandle) errors.push(required(`${path}.volumeHandle`));
  for (const field of secretFields) errors.push(...validateSecret(csi[field], `${path}.${field}`));
  return errors;
}

function validateSecret(secret: SecretReference | undefined, path: string): FieldError[] {
  if (secret === undefined) return [];
  return [...(secret.name ? [] : [required(`${path}.name`)]), ...(secret.namespace ? [] : [required(`${path}.namespace`)])];
}

function validateVolumeUpdate(volume: PersistentVolume, old: PersistentVolume): FieldError[] {
  const spec = volume.spec ?? {};
  const before = old.spec ?? {};
  const errors = validateVolumeSpec(spec, 'spec', 'whole');
  if (!semanticEqual(fixedSources(spec, before), fixedSources(before, before)))
    errors.push(forbidden('spec.persistentvolumesource', 'spec.persistentvolumesource is immutable after creation'));
  if (spec.volumeMode !== before.volumeMode) errors.push(invalid('volumeMode', spec.volumeMode, 'field is immutable'));
  if (before.nodeAffinity !== undefined && !semanticEqual(spec.nodeAffinity, before.nodeAffinity))
    errors.push(invalid('nodeAffinity', shownAffinity(spec.nodeAffinity), affinityText));
  return errors;
}

const affinityText = 'field is immutable, except for updating from beta label to GA';

/** As upstream shows its structure. */
function shownAffinity(affinity: VolumeNodeAffinity | undefined): object | undefined {
  if (affinity === undefined) return undefined;
  const requirement = ({ key, operator, values }: NodeSelectorRequirement) => ({
    Key: key,
    Operator: operator,
    Values: values ?? null,
  });
  const terms = affinity.required?.nodeSelectorTerms.map(({ matchExpressions, matchFields }) => ({
    MatchExpressions: matchExpressions?.map(requirement) ?? null,
    MatchFields: matchFields?.map(requirement) ?? null,
  }));
  return { Required: terms === undefined ? null : { NodeSelectorTerms: terms } };
}

/** The sources, without what may be set once. */
function fixedSources(spec: PersistentVolumeSpec, before: PersistentVolumeSpec): object {
  const sources = Object.fromEntries(Object.entries(spec).filter(([key, value]) => isObject(value) && !notSources.has(key)));
  const { csi } = spec;
  if (csi === undefined || before.csi === undefined || before.csi.controllerExpandSecretRef !== undefined) return sources;
  const { controllerExpandSecretRef: _, ...fixed } = csi;
  return { ...sources, csi: fixed };
}

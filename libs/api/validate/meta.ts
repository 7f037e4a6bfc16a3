// Metadata rules of every kind (apimachinery, pkg/api/validation/objectmeta.go).
import type { ObjectMeta, OwnerReference } from '../generated/types.ts';
import { semanticEqual } from '../json.ts';
import {
  dns1123LabelErrors,
  dns1123SubdomainErrors,
  labelValueErrors,
  pathSegmentErrors,
  qualifiedNameErrors,
} from '../names.ts';
import { groupResourceOf, type KubeObject } from '../resource.ts';
import type { ResourceInfo } from '../scheme.ts';
import { type FieldError, forbidden, invalid, required, tooLong } from './field-error.ts';

/** Keys and values together, in bytes: 256 KiB. */
const annotationsBytesMax = 256 * 1024;
const immutable = 'field is immutable';

export type NameCheck = (name: string) => string[];

/** Name formats other than the DNS-1123 subdomain. */
const nameChecks: Readonly<Record<string, NameCheck>> = {
  namespaces: dns1123LabelErrors,
  services: dns1123LabelErrors,
  'roles.rbac.authorization.k8s.io': pathSegmentErrors,
  'rolebindings.rbac.authorization.k8s.io': pathSegmentErrors,
  'clusterroles.rbac.authorization.k8s.io': pathSegmentErrors,
  'clusterrolebindings.rbac.authorization.k8s.io': pathSegmentErrors,
  'certificatesigningrequests.certificates.k8s.io': dns1123SubdomainErrors,
  'apiservices.apiregistration.k8s.io': pathSegmentErrors,
  'flowschemas.flowcontrol.apiserver.k8s.io': dns1123SubdomainErrors,
  events: pathSegmentErrors,
  'events.events.k8s.io': pathSegmentErrors,
  'ipaddresses.networking.k8s.io': pathSegmentErrors,
};

/** The check of a resource's names. */
export function nameCheckOf(info: ResourceInfo): NameCheck {
  return nameChecks[groupResourceOf(info)] ?? dns1123SubdomainErrors;
}

export function validateMetaCreate(info: ResourceInfo, object: KubeObject): FieldError[] {
  return validateMeta(object.metadata ?? {}, info.namespaced, nameCheckOf(info), 'metadata');
}

/** Rules of an ObjectMeta at `path`. */
export function validateMeta(meta: ObjectMeta, namespaced: boolean, checkName: NameCheck, path: string): FieldError[] {
  const errors: FieldError[] = [];
  if (meta.generateName) {
    const base = meta.generateName.replace(/-$/, '');
    for (const text of checkName(base === '' ? meta.generateName : base))
      errors.push(invalid(`${path}.generateName`, meta.generateName, text));
  }
  if (!meta.name) errors.push(required(`${path}.name`, 'name or generateName is required'));
  else for (const text of checkName(meta.name)) errors.push(invalid(`${path}.name`, meta.name, text));
  if (namespaced) {
    if (!meta.namespace) errors.push(required(`${path}.namespace`));
    else for (const text of dns1123LabelErrors(meta.namespace)) errors.push(invalid(`${path}.namespace`, meta.namespace, text));
  } else if (meta.namespace) {
    errors.push(forbidden(`${path}.namespace`, 'not allowed on this type'));
  }
  if ((meta.generation ?? 0) < 0)
    errors.push(invalid(`${path}.generation`, meta.generation, 'must be greater than or equal to 0'));
  return errors.concat(
    validateLabels(meta.labels, `${path}.labels`),
    validateAnnotations(meta.annotations, `${path}.annotations`),
    validateOwners(meta.ownerReferences ?? [], `${path}.ownerReferences`),
    validateFinalizers(meta.finalizers ?? [], `${path}.finalizers`),
  );
}

export function validateLabels(labels: Readonly<Record<string, string>> | undefined, path: string): FieldError[] {
  const errors: FieldError[] = [];
  for (const [key, value] of Object.entries(labels ?? {}).sort(byKey)) {
    for (const text of qualifiedNameErrors(key)) errors.push(invalid(path, key, text));
    for (const text of labelValueErrors(value)) errors.push(invalid(path, value, text));
  }
  return errors;
}

export function validateAnnotations(annotations: Readonly<Record<string, string>> | undefined, path: string): FieldError[] {
  const errors: FieldError[] = [];
  let bytes = 0;
  for (const [key, value] of Object.entries(annotations ?? {}).sort(byKey)) {
    for (const text of qualifiedNameErrors(key.toLowerCase())) errors.push(invalid(path, key, text));
    bytes += Buffer.byteLength(key) + Buffer.byteLength(value);
  }
  if (bytes > annotationsBytesMax) errors.push(tooLong(path, annotationsBytesMax));
  return errors;
}

function validateOwners(owners: readonly OwnerReference[], path: string): FieldError[] {
  const errors: FieldError[] = [];
  let controller: OwnerReference | undefined;
  for (const owner of owners) {
    if (!owner.apiVersion.replace(/^.*\//, ''))
      errors.push(invalid(`${path}.apiVersion`, owner.apiVersion, 'version must not be empty'));
    for (const field of ['kind', 'name', 'uid'] as const) {
      if (!owner[field]) errors.push(invalid(`${path}.${field}`, '', 'must not be empty'));
    }
    if (owner.apiVersion === 'v1' && owner.kind === 'Event')
      errors.push(invalid(path, owner, '/v1, Kind=Event is disallowed from being an owner'));
    if (owner.controller !== true) continue;
    if (controller !== undefined) {
      const named = `Only one reference can have Controller set to true. Found "true" in references for ${controller.kind}/${controller.name} and ${owner.kind}/${owner.name}`;
      errors.push(invalid(path, owners, named));
    } else controller = owner;
  }
  return errors;
}

const standardFinalizers = new Set(['kubernetes', 'orphan', 'foregroundDeletion']);

function validateFinalizers(finalizers: readonly string[], path: string): FieldError[] {
  const errors: FieldError[] = [];
  for (const finalizer of finalizers)
    for (const text of qualifiedNameErrors(finalizer)) errors.push(invalid(path, finalizer, text));
  finalizers.forEach((finalizer, index) => {
    if (finalizer.includes('/') || standardFinalizers.has(finalizer)) return;
    const text = 'name is neither a standard finalizer name nor is it fully qualified';
    errors.push(invalid(`${path}[${index}]`, finalizer, text));
  });
  return errors;
}

/** What may not change in metadata, and the rules of new metadata. */
export function validateMetaUpdate(_info: ResourceInfo, object: KubeObject, old: KubeObject): FieldError[] {
  const meta = object.metadata ?? {};
  const before = old.metadata ?? {};
  const errors: FieldError[] = [];
  const finalizers = new Set(before.finalizers ?? []);
  const added = (meta.finalizers ?? []).filter((finalizer) => !finalizers.has(finalizer));
  if (before.deletionTimestamp !== undefined && added.length > 0) {
    const text = `no new finalizers can be added if the object is being deleted, found new finalizers []string{${added.map((f) => `"${f}"`).join(', ')}}`;
    errors.push(forbidden('metadata.finalizers', text));
  }
  if (!meta.resourceVersion)
    errors.push(invalid('metadata.resourceVersion', meta.resourceVersion ?? '', 'must be specified for an update'));
  if ((meta.generation ?? 0) < (before.generation ?? 0)) {
    errors.push(invalid('metadata.generation', meta.generation ?? 0, 'must not be decremented'));
  }
  for (const key of [
    'name',
    'namespace',
    'uid',
    'creationTimestamp',
    'deletionTimestamp',
    'deletionGracePeriodSeconds',
  ] as const) {
    if (!semanticEqual(meta[key] || undefined, before[key] || undefined))
      errors.push(invalid(`metadata.${key}`, meta[key] ?? '', immutable));
  }
  return errors.concat(
    validateLabels(meta.labels, 'metadata.labels'),
    validateAnnotations(meta.annotations, 'metadata.annotations'),
    validateOwners(meta.ownerReferences ?? [], 'metadata.ownerReferences'),
    validateFinalizers(meta.finalizers ?? [], 'metadata.finalizers'),
  );
}

function byKey(a: readonly [string, unknown], b: readonly [string, unknown]): number {
  return a[0] < b[0] ? -1 : a[0] > b[0] ? 1 : 0;
}

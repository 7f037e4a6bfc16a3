// What a write may not change: the server's own fields are set here, between decoding and validation.
import { emptyModel } from './decode-value.ts';
import type { DaemonSet, Job, Namespace, ObjectMeta, Pod, Secret } from './generated/types.ts';
import { isObject, type JsonObject, semanticEqual } from './json.ts';
import { qosClassOf } from './pod-qos.ts';
import { groupResourceOf, type KubeObject } from './resource.ts';
import { modelSchema } from './schema.ts';
import { hasStatusSubresource, type ResourceInfo } from './scheme.ts';

/** Resources whose metadata.generation counts the changes of what users ask for. */
const generations = new Set([
  'pods',
  'podtemplates',
  'replicationcontrollers',
  'deployments.apps',
  'replicasets.apps',
  'daemonsets.apps',
  'statefulsets.apps',
  'jobs.batch',
  'cronjobs.batch',
  'endpointslices.discovery.k8s.io',
  'ingresses.networking.k8s.io',
  'ingressclasses.networking.k8s.io',
  'networkpolicies.networking.k8s.io',
  'validatingwebhookconfigurations.admissionregistration.k8s.io',
  'mutatingwebhookconfigurations.admissionregistration.k8s.io',
  'validatingadmissionpolicies.admissionregistration.k8s.io',
  'validatingadmissionpolicybindings.admissionregistration.k8s.io',
  'mutatingadmissionpolicies.admissionregistration.k8s.io',
  'mutatingadmissionpolicybindings.admissionregistration.k8s.io',
  'priorityclasses.scheduling.k8s.io',
  'poddisruptionbudgets.policy',
  'flowschemas.flowcontrol.apiserver.k8s.io',
  'prioritylevelconfigurations.flowcontrol.apiserver.k8s.io',
  'customresourcedefinitions.apiextensions.k8s.io',
  'deviceclasses.resource.k8s.io',
]);

/** Resources with a status subresource that take the status of a create request all the same. */
const statusOnCreate = new Set(['nodes']);

/** Whether `info` counts generations. */
export function countsGenerations(info: ResourceInfo): boolean {
  return generations.has(groupResourceOf(info));
}

/** Makes a new object what the server keeps of it, in place, after defaulting: no status, generation 1, the kind's own fields. */
export function prepareForCreate(info: ResourceInfo, object: KubeObject): void {
  const metadata = metadataOf(object);
  delete metadata.selfLink;
  delete metadata.deletionTimestamp;
  delete metadata.deletionGracePeriodSeconds;
  if (countsGenerations(info)) metadata.generation = 1;
  else delete metadata.generation;
  const name = groupResourceOf(info);
  if (hasStatusSubresource(info) && !statusOnCreate.has(name)) resetStatus(info, object as JsonObject);
  prepareKind.get(name)?.(object);
}

const prepareKind = new Map<string, (object: KubeObject) => void>([
  ['pods', preparePod],
  ['namespaces', prepareNamespace],
  ['jobs.batch', prepareJob],
  ['secrets', prepareSecret],
  ['daemonsets.apps', (object) => setTemplateGeneration(object, 1)],
  [
    'persistentvolumes',
    (object) => {
      (object as JsonObject).status = { phase: 'Pending' };
    },
  ],
  [
    'persistentvolumeclaims',
    (object) => {
      (object as JsonObject).status = { phase: 'Pending' };
    },
  ],
]);

function metadataOf(object: KubeObject): ObjectMeta {
  object.metadata ??= {};
  return object.metadata;
}

function preparePod(object: KubeObject): void {
  const pod = object as Pod;
  pod.status = { phase: 'Pending', qosClass: qosClassOf(pod) };
}

function prepareNamespace(object: KubeObject): void {
  const namespace = object as Namespace;
  namespace.status = { phase: 'Active' };
  namespace.spec ??= {};
  const finalizers = namespace.spec.finalizers ?? [];
  namespace.spec.finalizers = finalizers.includes('kubernetes') ? finalizers : [...finalizers, 'kubernetes'];
}

/** The deprecated counter of template changes that DaemonSets still carry. */
const templateGeneration = 'deprecated.daemonset.template.generation';

function setTemplateGeneration(object: KubeObject, generation: number): void {
  const metadata = metadataOf(object);
  metadata.annotations = { ...metadata.annotations, [templateGeneration]: String(generation) };
}

function countTemplateGeneration(object: DaemonSet, old: DaemonSet): void {
  const before = Number(old.metadata?.annotations?.[templateGeneration] ?? 0);
  setTemplateGeneration(object, semanticEqual(object.spec?.template, old.spec?.template) ? before : before + 1);
}

/** Unless the selector is the user's own, a job selects its pods by its uid, which must be set already. */
function prepareJob(object: KubeObject): void {
  const { spec, metadata } = object as Job;
  if (spec === undefined || spec.manualSelector === true) return;
  const uid = metadata?.uid ?? '';
  const name = metadata?.name ?? '';
  spec.template.metadata ??= {};
  spec.template.metadata.labels = {
    ...spec.template.metadata.labels,
    'batch.kubernetes.io/controller-uid': uid,
    'batch.kubernetes.io/job-name': name,
    'controller-uid': uid,
    'job-name': name,
  };
  spec.selector ??= {};
  spec.selector.matchLabels = { ...spec.selector.matchLabels, 'batch.kubernetes.io/controller-uid': uid };
}

/** stringData is for writing only: it lands in data. */
function prepareSecret(object: KubeObject): void {
  const secret = object as Secret;
  if (secret.stringData === undefined) return;
  secret.data ??= {};
  for (const [key, value] of Object.entries(secret.stringData)) secret.data[key] = Buffer.from(value).toString('base64');
  delete secret.stringData;
}

function resetStatus(info: ResourceInfo, object: JsonObject): void {
  const field = modelSchema(info.modelName).fields.get('status');
  if (field?.type.kind !== 'model' || field.default === undefined) delete object.status;
  else object.status = emptyModel(field.type.model);
}

/**
 * Makes the new state of an object what the server keeps of it, in place. Through the resource itself the status is the
 * old one; through `status` everything but status, annotations and finalizers is. The generation counts up when what
 * users ask for changed.
 */
export function prepareForUpdate(info: ResourceInfo, object: KubeObject, old: KubeObject, subresource = ''): void {
  const next = object as JsonObject;
  const previous = old as JsonObject;
  keepMetadata(object, old);
  const hasStatus = hasStatusSubresource(info);
  if (subresource === 'status') {
    for (const key of Object.keys(next)) if (!statusWritable.has(key)) copyField(next, previous, key);
    for (const key of Object.keys(previous)) if (!statusWritable.has(key)) copyField(next, previous, key);
    keepStatusMetadata(info, object, old);
  } else if (hasStatus && subresource !== 'finalize') {
    copyField(next, previous, 'status');
  }
  if (subresource === 'finalize') copyField(next, previous, 'status');
  if (groupResourceOf(info) === 'secrets') prepareSecret(object);
  if (groupResourceOf(info) === 'pods' && subresource !== 'status') copyField(next, previous, 'status');
  if (groupResourceOf(info) === 'daemonsets.apps') countTemplateGeneration(object as DaemonSet, old as DaemonSet);
  countGeneration(info, object, old, subresource);
}

const statusWritable = new Set(['apiVersion', 'kind', 'metadata', 'status']);

function copyField(to: JsonObject, from: JsonObject, key: string): void {
  if (from[key] === undefined) delete to[key];
  else to[key] = from[key];
}

/** The fields of metadata that only the server sets. */
function keepMetadata(object: KubeObject, old: KubeObject): void {
  const metadata = metadataOf(object);
  const before: ObjectMeta = old.metadata ?? {};
  metadata.uid ||= before.uid;
  metadata.namespace ||= before.namespace;
  delete metadata.selfLink;
  for (const key of ['creationTimestamp', 'deletionTimestamp', 'deletionGracePeriodSeconds', 'generation'] as const) {
    if (before[key] === undefined) delete metadata[key];
    else Object.assign(metadata, { [key]: before[key] });
  }
  if (metadata.uid === undefined) delete metadata.uid;
  if (metadata.namespace === undefined) delete metadata.namespace;
  if (before.generateName === undefined) delete metadata.generateName;
  else metadata.generateName = before.generateName;
}

/** Resources whose status writes may not touch labels or owners. */
function keepStatusMetadata(info: ResourceInfo, object: KubeObject, old: KubeObject): void {
  const metadata = metadataOf(object);
  const before: ObjectMeta = old.metadata ?? {};
  const name = groupResourceOf(info);
  if (name === 'deployments.apps') {
    if (before.labels === undefined) delete metadata.labels;
    else metadata.labels = before.labels;
  }
  if (name === 'pods') {
    if (before.ownerReferences === undefined) delete metadata.ownerReferences;
    else metadata.ownerReferences = before.ownerReferences;
  }
}

function countGeneration(info: ResourceInfo, object: KubeObject, old: KubeObject, subresource: string): void {
  if (!countsGenerations(info) || subresource === 'status') return;
  if (!asksForSomethingElse(info, object, old)) return;
  const metadata = metadataOf(object);
  metadata.generation = (old.metadata?.generation ?? 0) + 1;
}

function asksForSomethingElse(info: ResourceInfo, object: KubeObject, old: KubeObject): boolean {
  const next = object as JsonObject;
  const previous = old as JsonObject;
  for (const key of new Set([...Object.keys(next), ...Object.keys(previous)])) {
    if (key === 'apiVersion' || key === 'kind' || key === 'metadata' || key === 'status') continue;
    if (!semanticEqual(next[key], previous[key])) return true;
  }
  if (groupResourceOf(info) !== 'deployments.apps') return false;
  return !semanticEqual(object.metadata?.annotations, old.metadata?.annotations);
}

/** Whether two states are the same but for the server's bookkeeping: such an update is not written. */
export function isUnchanged(object: KubeObject, old: KubeObject): boolean {
  return isObject(object) && isObject(old) && semanticEqual(withoutVersion(object), withoutVersion(old));
}

function withoutVersion(object: JsonObject): JsonObject {
  const { resourceVersion: _version, managedFields: _fields, ...metadata } = (object.metadata ?? {}) as JsonObject;
  return { ...object, metadata };
}

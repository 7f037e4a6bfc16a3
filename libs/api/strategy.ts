// What a write may not change: the server's own fields are set here, between decoding and validation.
import { fieldsFromAppArmorAnnotations } from './app-armor.ts';
import { emptyModel } from './decode-value.ts';
import type { DaemonSet, Job, Namespace, ObjectMeta, PersistentVolumeClaim, Pod, Secret } from './generated/types.ts';
import { copyField, isObject, type JsonObject, semanticEqual, setField } from './json.ts';
import { mergeMatchLabelKeys } from './match-label-keys.ts';
import { qosClassOf } from './pod-qos.ts';
import { groupResourceOf, type KubeObject } from './resource.ts';
import { modelSchema } from './schema.ts';
import { hasStatusSubresource, type ResourceInfo } from './scheme.ts';
import { normalizeDataSources } from './storage/data-sources.ts';
import { keepAllBut } from './subresources.ts';

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
      const { spec } = object as PersistentVolumeClaim;
      if (spec !== undefined) normalizeDataSources(spec);
    },
  ],
]);

function metadataOf(object: KubeObject): ObjectMeta {
  object.metadata ??= {};
  return object.metadata;
}

function preparePod(object: KubeObject): void {
  const pod = object as Pod;
  pod.status = { phase: 'Pending', qosClass: qosClassOf(pod), ...gatedCondition(pod) };
  fieldsFromAppArmorAnnotations(pod);
  mergeMatchLabelKeys(pod);
}

/** A pod that nobody is to schedule yet says so from the start: no scheduler looks at it. */
function gatedCondition({ spec, metadata }: Pod): object {
  if ((spec?.schedulingGates ?? []).length === 0) return {};
  const message = 'Scheduling is blocked due to non-empty scheduling gates';
  const lastTransitionTime = metadata?.creationTimestamp;
  const condition = { type: 'PodScheduled', status: 'False', reason: 'SchedulingGated', message, lastProbeTime: null };
  return { conditions: [{ ...condition, lastTransitionTime }] };
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
  for (const [key, value] of Object.entries(secret.stringData))
    setField(secret.data, key, Buffer.from(value).toString('base64'));
  delete secret.stringData;
}

function resetStatus(info: ResourceInfo, object: JsonObject): void {
  const field = modelSchema(info.modelName).fields.get('status');
  if (field?.type.kind !== 'model' || field.default === undefined) delete object.status;
  else object.status = emptyModel(field.type.model);
}

/**
 * Makes the new state of an object what the server keeps of it, in place. Through the resource itself the status is the
 * old one; through a subresource everything is but what subresources.ts lets it write. The generation counts up when what
 * users ask for changed.
 */
export function prepareForUpdate(info: ResourceInfo, object: KubeObject, old: KubeObject, subresource = ''): void {
  keepMetadata(object, old);
  if (subresource !== '') keepAllBut(info, subresource, object, old);
  else {
    if (hasStatusSubresource(info)) copyField(object as JsonObject, old as JsonObject, 'status');
    keepKind.get(groupResourceOf(info))?.(object, old);
  }
  countGeneration(info, object, old, subresource);
}

/** What only a subresource, or nobody, may write of single kinds. */
const keepKind = new Map<string, (object: KubeObject, old: KubeObject) => void>([
  ['secrets', prepareSecret],
  ['namespaces', (object, old) => copyField(object as JsonObject, old as JsonObject, 'spec')],
  [
    'certificatesigningrequests.certificates.k8s.io',
    (object, old) => copyField(object as JsonObject, old as JsonObject, 'spec'),
  ],
  [
    'persistentvolumeclaims',
    (object, old) => {
      const { spec } = object as PersistentVolumeClaim;
      if (spec !== undefined) normalizeDataSources(spec, (old as PersistentVolumeClaim).spec);
    },
  ],
  ['daemonsets.apps', (object, old) => countTemplateGeneration(object as DaemonSet, old as DaemonSet)],
]);

/** The fields of metadata that only the server sets; what it refuses to change instead is left to validation. */
function keepMetadata(object: KubeObject, old: KubeObject): void {
  const metadata = metadataOf(object);
  const before: ObjectMeta = old.metadata ?? {};
  metadata.uid ||= before.uid;
  metadata.namespace ||= before.namespace;
  delete metadata.selfLink;
  for (const key of ['creationTimestamp', 'generation'] as const) {
    if (before[key] === undefined) delete metadata[key];
    else Object.assign(metadata, { [key]: before[key] });
  }
  if (before.deletionTimestamp !== undefined) metadata.deletionTimestamp = before.deletionTimestamp;
  if (before.deletionGracePeriodSeconds !== undefined)
    metadata.deletionGracePeriodSeconds ??= before.deletionGracePeriodSeconds;
  if (metadata.uid === undefined) delete metadata.uid;
  if (metadata.namespace === undefined) delete metadata.namespace;
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

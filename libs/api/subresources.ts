// What a write through a subresource may change: nothing, unless the table here says so (the strategies of pkg/registry).
import type { CustomResourceDefinition } from './generated/types.ts';
import { copyField, type JsonObject } from './json.ts';
import { keepPodStatus, onlyEphemeralContainers, onlyResources } from './pod-subresources.ts';
import { groupResourceOf, type KubeObject } from './resource.ts';
import type { ResourceInfo } from './scheme.ts';

interface Writes {
  /** Top-level fields that the request sets. */
  readonly fields: readonly string[];
  /** Fields of metadata that stay. */
  readonly keeps: readonly string[] | typeof everything;
  /** What stays within `fields`, in place, after the fields have been taken over. */
  readonly refine?: (object: KubeObject, old: KubeObject) => void;
}

/** What upstream's ResetObjectMetaForStatus keeps. */
const usersMetadata: readonly string[] = ['labels', 'annotations', 'finalizers', 'ownerReferences'];
/** The same strategies drop a deletion mark that the request makes up, where the others refuse it. */
const allMetadata: readonly string[] = [...usersMetadata, 'deletionTimestamp'];

/** The whole of metadata. */
const everything = 'everything';

const status: Writes = { fields: ['status'], keeps: [] };
const statusAlone: Writes = { fields: ['status'], keeps: allMetadata };
const scale: Writes = { fields: ['spec'], keeps: allMetadata, refine: onlyReplicas };

/** By `resource.group/subresource`. */
const table: ReadonlyMap<string, Writes> = new Map<string, Writes>([
  ['namespaces/status', status],
  ['namespaces/finalize', { fields: ['spec'], keeps: [] }],
  ['nodes/status', { ...status, refine: (object) => delete (object as { status?: JsonObject }).status?.config }],
  ['persistentvolumeclaims/status', status],
  ['persistentvolumes/status', status],
  ['pods/status', { fields: ['status'], keeps: ['ownerReferences', 'deletionTimestamp'], refine: keepPodStatus }],
  ['pods/ephemeralcontainers', { fields: ['spec'], keeps: allMetadata, refine: onlyEphemeralContainers }],
  ['pods/resize', { fields: ['spec'], keeps: allMetadata, refine: onlyResources }],
  ['replicationcontrollers/scale', scale],
  ['replicationcontrollers/status', status],
  ['resourcequotas/status', status],
  ['services/status', status],
  ['daemonsets.apps/status', status],
  ['deployments.apps/scale', scale],
  ['deployments.apps/status', { fields: ['status'], keeps: ['labels'] }],
  ['replicasets.apps/scale', scale],
  ['replicasets.apps/status', status],
  ['statefulsets.apps/scale', scale],
  ['statefulsets.apps/status', status],
  ['horizontalpodautoscalers.autoscaling/status', status],
  ['cronjobs.batch/status', status],
  ['jobs.batch/status', status],
  ['certificatesigningrequests.certificates.k8s.io/approval', { ...status, refine: onlyConditions }],
  ['certificatesigningrequests.certificates.k8s.io/status', { ...status, refine: keepDecisions }],
  ['ingresses.networking.k8s.io/status', status],
  ['servicecidrs.networking.k8s.io/status', statusAlone],
  ['poddisruptionbudgets.policy/status', status],
  ['volumeattachments.storage.k8s.io/status', statusAlone],
  ['validatingadmissionpolicies.admissionregistration.k8s.io/status', statusAlone],
  ['customresourcedefinitions.apiextensions.k8s.io/status', { ...status, refine: keepStorageVersion }],
  ['apiservices.apiregistration.k8s.io/status', { fields: ['status'], keeps: usersMetadata }],
  ['resourceclaims.resource.k8s.io/status', statusAlone],
  ['flowschemas.flowcontrol.apiserver.k8s.io/status', { fields: ['status'], keeps: everything }],
  ['prioritylevelconfigurations.flowcontrol.apiserver.k8s.io/status', { fields: ['status'], keeps: everything }],
]);

/** Whether writes through this subresource change anything. */
export function isWritableSubresource(info: ResourceInfo, subresource: string): boolean {
  return table.has(`${groupResourceOf(info)}/${subresource}`);
}

/** Gives `object` everything of `old`, in place, but what `subresource` writes. */
export function keepAllBut(info: ResourceInfo, subresource: string, object: KubeObject, old: KubeObject): void {
  const writes = table.get(`${groupResourceOf(info)}/${subresource}`);
  const next = object as JsonObject;
  const before = old as JsonObject;
  for (const key of new Set([...Object.keys(next), ...Object.keys(before)])) {
    const written = key === 'metadata' ? writes !== undefined : writes?.fields.includes(key) === true;
    if (!written) copyField(next, before, key);
  }
  if (writes === undefined) return;
  if (writes.keeps === everything) next.metadata = { ...(before.metadata as JsonObject | undefined) };
  next.metadata ??= {};
  const metadata = next.metadata as JsonObject;
  for (const key of writes.keeps === everything ? [] : writes.keeps)
    copyField(metadata, (before.metadata ?? {}) as JsonObject, key);
  writes.refine?.(object, old);
}

interface Parts {
  spec?: JsonObject;
  status?: JsonObject;
}

function onlyReplicas(object: KubeObject, old: KubeObject): void {
  const next = object as Parts;
  const replicas = next.spec?.replicas;
  next.spec = { ...(old as Parts).spec, replicas };
}

function onlyConditions(object: KubeObject, old: KubeObject): void {
  const next = object as Parts;
  const conditions = next.status?.conditions;
  next.status = { ...(old as Parts).status };
  copyField(next.status, { conditions }, 'conditions');
}

/** The version that objects are stored in is never forgotten. */
function keepStorageVersion(object: KubeObject): void {
  const definition = object as CustomResourceDefinition;
  const storage = definition.spec.versions.find((version) => version.storage)?.name;
  const stored = definition.status?.storedVersions ?? [];
  if (storage === undefined || stored.includes(storage)) return;
  definition.status = { ...definition.status, storedVersions: [...stored, storage] };
}

interface Decision {
  readonly type: string;
}

/** Approvals and denials are the old ones; whether some were added or removed is for validation. */
function keepDecisions(object: KubeObject, old: KubeObject): void {
  const status = (object as Parts).status;
  const given = status?.conditions as Decision[] | undefined;
  if (status === undefined || given === undefined) return;
  const left = [...(((old as Parts).status?.conditions ?? []) as Decision[])];
  status.conditions = given.map((condition) => {
    if (condition.type !== 'Approved' && condition.type !== 'Denied') return condition;
    const at = left.findIndex(({ type }) => type === condition.type);
    return at < 0 ? condition : left.splice(at, 1)[0];
  });
}

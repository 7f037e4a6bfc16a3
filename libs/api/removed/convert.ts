// Objects of API versions that Kubernetes 1.36 no longer serves, as the version that it does: what `kubectl convert` did while kubectl
// still knew them. The rules are those of the deprecation guide (https://kubernetes.io/docs/reference/using-api/deprecation-guide/):
// fields that moved are moved, and where an old version filled in something else than the new one does, that is written out, so that
// the object means what it meant.
import { cloneJson, isObject, type JsonObject } from '../json.ts';
import { webhookConfiguration } from './admission.ts';
import { autoscalerOfV2beta1 } from './autoscaler.ts';
import { customResourceDefinition } from './custom-resource.ts';
import { disruptionBudget } from './disruption-budget.ts';
import { endpointSlice } from './endpoint-slice.ts';
import { ingress, ingressClass } from './ingress.ts';
import { priorityLevel } from './priority-level.ts';
import { signingRequest } from './signing-request.ts';
import { daemonSet, deployment, replicaSet, statefulSet } from './workloads.ts';

/** What a conversion cannot say in the new version is told through `warn`: one sentence that names the field. */
export type Warn = (sentence: string) => void;

/** Changes the fields of an object of the given old version; `apiVersion` is set by the caller. */
export type Rewrite = (object: JsonObject, from: string, warn: Warn) => void;

interface Rule {
  /** The versions that are gone. */
  readonly from: readonly string[];
  readonly to: string;
  readonly rewrite?: Rewrite;
}

/** A kind that has no successor, and what the deprecation guide says instead. */
const gone: ReadonlyMap<string, string> = new Map([
  [
    'PodSecurityPolicy',
    'it was removed in v1.25: use Pod Security Admission (labels pod-security.kubernetes.io/* of the namespace)',
  ],
  ['PodPreset', 'it was removed in v1.20: use a mutating admission webhook or policy'],
]);

const rules: Readonly<Record<string, readonly Rule[]>> = {
  Ingress: [{ from: ['extensions/v1beta1', 'networking.k8s.io/v1beta1'], to: 'networking.k8s.io/v1', rewrite: ingress }],
  IngressClass: [{ from: ['networking.k8s.io/v1beta1'], to: 'networking.k8s.io/v1', rewrite: ingressClass }],
  NetworkPolicy: [{ from: ['extensions/v1beta1'], to: 'networking.k8s.io/v1' }],
  Deployment: [{ from: ['extensions/v1beta1', 'apps/v1beta1', 'apps/v1beta2'], to: 'apps/v1', rewrite: deployment }],
  DaemonSet: [{ from: ['extensions/v1beta1', 'apps/v1beta2'], to: 'apps/v1', rewrite: daemonSet }],
  ReplicaSet: [{ from: ['extensions/v1beta1', 'apps/v1beta2'], to: 'apps/v1', rewrite: replicaSet }],
  StatefulSet: [{ from: ['apps/v1beta1', 'apps/v1beta2'], to: 'apps/v1', rewrite: statefulSet }],
  ControllerRevision: [{ from: ['apps/v1beta1', 'apps/v1beta2'], to: 'apps/v1' }],
  CronJob: [{ from: ['batch/v2alpha1', 'batch/v1beta1'], to: 'batch/v1' }],
  PodDisruptionBudget: [{ from: ['policy/v1beta1'], to: 'policy/v1', rewrite: disruptionBudget }],
  HorizontalPodAutoscaler: [
    { from: ['autoscaling/v2beta1'], to: 'autoscaling/v2', rewrite: autoscalerOfV2beta1 },
    { from: ['autoscaling/v2beta2'], to: 'autoscaling/v2' },
  ],
  CustomResourceDefinition: [
    { from: ['apiextensions.k8s.io/v1beta1'], to: 'apiextensions.k8s.io/v1', rewrite: customResourceDefinition },
  ],
  APIService: [{ from: ['apiregistration.k8s.io/v1beta1'], to: 'apiregistration.k8s.io/v1' }],
  ValidatingWebhookConfiguration: [
    { from: ['admissionregistration.k8s.io/v1beta1'], to: 'admissionregistration.k8s.io/v1', rewrite: webhookConfiguration },
  ],
  MutatingWebhookConfiguration: [
    { from: ['admissionregistration.k8s.io/v1beta1'], to: 'admissionregistration.k8s.io/v1', rewrite: webhookConfiguration },
  ],
  EndpointSlice: [{ from: ['discovery.k8s.io/v1beta1'], to: 'discovery.k8s.io/v1', rewrite: endpointSlice }],
  CertificateSigningRequest: [{ from: ['certificates.k8s.io/v1beta1'], to: 'certificates.k8s.io/v1', rewrite: signingRequest }],
  RuntimeClass: [{ from: ['node.k8s.io/v1beta1'], to: 'node.k8s.io/v1' }],
  Lease: [{ from: ['coordination.k8s.io/v1beta1'], to: 'coordination.k8s.io/v1' }],
  PriorityClass: [{ from: ['scheduling.k8s.io/v1alpha1', 'scheduling.k8s.io/v1beta1'], to: 'scheduling.k8s.io/v1' }],
  FlowSchema: [{ from: flowControl(), to: 'flowcontrol.apiserver.k8s.io/v1' }],
  PriorityLevelConfiguration: [{ from: flowControl(), to: 'flowcontrol.apiserver.k8s.io/v1', rewrite: priorityLevel }],
  ...sameIn('rbac.authorization.k8s.io', ['Role', 'ClusterRole', 'RoleBinding', 'ClusterRoleBinding']),
  ...sameIn('storage.k8s.io', ['StorageClass', 'CSIDriver', 'CSINode', 'VolumeAttachment', 'CSIStorageCapacity']),
  ...sameIn('authentication.k8s.io', ['TokenReview']),
  ...sameIn('authorization.k8s.io', [
    'SubjectAccessReview',
    'LocalSubjectAccessReview',
    'SelfSubjectAccessReview',
    'SelfSubjectRulesReview',
  ]),
};

/** Which versions of which kinds become which. */
export function removedVersions(): { kind: string; from: string; to: string }[] {
  return Object.entries(rules).flatMap(([kind, of]) =>
    of.flatMap(({ from, to }) => from.map((version) => ({ kind, from: version, to }))),
  );
}

/**
 * The object as the version that is served, a new one; the object itself where its version is served or unknown. Objects of a list
 * (any kind that ends in `List` and has `items`) are converted one by one. Sentences about what cannot be said any more go to `warn`.
 */
export function convertRemoved(object: JsonObject, warn: Warn): JsonObject {
  const { apiVersion, kind, items } = object;
  if (typeof apiVersion !== 'string' || typeof kind !== 'string') return object;
  if (kind.endsWith('List') && Array.isArray(items)) return convertList(object, items, warn);
  const reason = gone.get(kind);
  if (reason !== undefined) warn(`${nameOf(object)} (${apiVersion}) has no successor: ${reason}`);
  const rule = Object.hasOwn(rules, kind) ? rules[kind]?.find(({ from }) => from.includes(apiVersion)) : undefined;
  if (rule === undefined) return object;
  const converted = cloneJson(object);
  converted.apiVersion = rule.to;
  rule.rewrite?.(converted, apiVersion, (sentence) => warn(`${nameOf(object)}: ${sentence}`));
  return converted;
}

function convertList(list: JsonObject, items: readonly unknown[], warn: Warn): JsonObject {
  const converted = items.map((item) => (isObject(item) ? convertRemoved(item, warn) : item));
  if (converted.every((item, index) => item === items[index])) return list;
  // A list of an old version (IngressList) is a list of what its items are now.
  const first = converted[0];
  const typed = list.kind !== 'List' && isObject(first) ? { apiVersion: first.apiVersion } : {};
  return { ...list, ...typed, items: converted };
}

/** `Ingress web/main`, for sentences. */
function nameOf(object: JsonObject): string {
  const { name, namespace } = isObject(object.metadata) ? object.metadata : {};
  return `${object.kind} ${typeof namespace === 'string' ? `${namespace}/` : ''}${name ?? '(without name)'}`;
}

function sameIn(group: string, kinds: readonly string[]): Record<string, readonly Rule[]> {
  return Object.fromEntries(kinds.map((kind) => [kind, [{ from: [`${group}/v1beta1`], to: `${group}/v1` }]]));
}

function flowControl(): readonly string[] {
  return ['v1alpha1', 'v1beta1', 'v1beta2', 'v1beta3'].map((version) => `flowcontrol.apiserver.k8s.io/${version}`);
}

// What the writer of an object is warned of although it is stored: one entry a kind, as the strategies of pkg/registry have it.
import type * as k8s from '../generated/types.ts';
import { dns1123LabelErrors } from '../names.ts';
import { groupResourceOf, type KubeObject } from '../resource.ts';
import type { ResourceInfo } from '../scheme.ts';
import { storageClassAnnotation } from '../storage/annotations.ts';
import { labelDeprecation, nodeSelectorWarnings, podWarnings } from './pod.ts';
import { claimWarnings, classDeprecation, persistentVolumeWarnings } from './volume.ts';

interface KindWarnings {
  /** About the name: said of new objects alone. */
  readonly name?: (name: string) => string[];
  readonly object?: (object: KubeObject) => string[];
  /** Whether updates are warned of too: of pods they are not, and of workloads when what was asked for changed. */
  readonly updates: 'never' | 'always' | 'changed';
}

function entry<T extends KubeObject>(
  resource: string,
  updates: KindWarnings['updates'],
  object: (object: T) => string[],
  name?: KindWarnings['name'],
): [string, KindWarnings] {
  return [resource, { updates, object: object as KindWarnings['object'] & {}, ...(name === undefined ? {} : { name }) }];
}

/** Names that become parts of host names. */
const used = (where: string) => (name: string) => {
  const errors = dns1123LabelErrors(name);
  if (errors.length === 0) return [];
  const text = 'which can result in surprising behavior; a DNS label is recommended';
  return [`metadata.name: this is used in ${where}, ${text}: [${errors.join(' ')}]`];
};
const inPods = used('Pod names and hostnames');

const template = (pods: k8s.PodTemplateSpec | undefined, path = 'spec.template.'): string[] =>
  podWarnings(pods?.metadata, pods?.spec, path);

const table: ReadonlyMap<string, KindWarnings> = new Map([
  entry<k8s.Pod>('pods', 'never', ({ metadata, spec }) => podWarnings(metadata, spec, ''), used("the Pod's hostname")),
  entry<k8s.PodTemplate>('podtemplates', 'changed', (object) => template(object.template, 'template.')),
  entry<k8s.ReplicationController>('replicationcontrollers', 'changed', ({ spec }) => template(spec?.template), inPods),
  entry<k8s.Deployment>('deployments.apps', 'changed', ({ spec }) => template(spec?.template), inPods),
  entry<k8s.ReplicaSet>('replicasets.apps', 'changed', ({ spec }) => template(spec?.template), inPods),
  entry<k8s.DaemonSet>('daemonsets.apps', 'changed', ({ spec }) => template(spec?.template)),
  entry<k8s.StatefulSet>('statefulsets.apps', 'changed', statefulSet),
  entry<k8s.Job>('jobs.batch', 'changed', ({ spec }) => job(spec, 'spec'), inPods),
  entry<k8s.CronJob>('cronjobs.batch', 'changed', ({ spec }) => job(spec?.jobTemplate.spec, 'spec.jobTemplate.spec'), inPods),
  entry<k8s.Service>('services', 'always', service),
  entry<k8s.PersistentVolumeClaim>('persistentvolumeclaims', 'always', claim),
  entry<k8s.PersistentVolume>('persistentvolumes', 'always', ({ metadata, spec }) => persistentVolumeWarnings(metadata, spec)),
  entry<k8s.StorageClass>('storageclasses.storage.k8s.io', 'always', storageClass),
  entry<k8s.RuntimeClass>('runtimeclasses.node.k8s.io', 'always', ({ scheduling }) =>
    nodeSelectorWarnings(scheduling?.nodeSelector, () => 'scheduling.nodeSelector'),
  ),
  entry<k8s.ServiceAccount>('serviceaccounts', 'always', serviceAccount),
  entry<k8s.Ingress>('ingresses.networking.k8s.io', 'never', ingress),
  entry<k8s.EndpointSlice>('endpointslices.discovery.k8s.io', 'always', ({ addressType }) =>
    addressType === 'FQDN' ? ['spec.addressType: FQDN endpoints are deprecated'] : [],
  ),
]);

/** What the writer of a new object is warned of. */
export function warningsOnCreate(info: ResourceInfo, object: KubeObject): string[] {
  const kind = table.get(groupResourceOf(info));
  return [...(kind?.name?.(object.metadata?.name ?? '') ?? []), ...(kind?.object?.(object) ?? [])];
}

/** What the writer of a new state is warned of, through the resource itself. */
export function warningsOnUpdate(info: ResourceInfo, object: KubeObject, old: KubeObject): string[] {
  const kind = table.get(groupResourceOf(info));
  if (kind === undefined || kind.updates === 'never') return [];
  if (kind.updates === 'changed' && object.metadata?.generation === old.metadata?.generation) return [];
  return kind.object?.(object) ?? [];
}

function statefulSet({ spec }: k8s.StatefulSet): string[] {
  const warnings = template(spec?.template);
  (spec?.volumeClaimTemplates ?? []).forEach((each, index) => {
    warnings.push(...claimWarnings(each.spec, `spec.volumeClaimTemplates[${index}].resources.requests`));
  });
  if ((spec?.revisionHistoryLimit ?? 0) < 0) {
    const text = 'a negative value retains all historical revisions; a value >= 0 is recommended';
    warnings.push(`spec.revisionHistoryLimit: ${text}`);
  }
  return warnings;
}

function job(spec: k8s.JobSpec | undefined, path: string): string[] {
  const { completions = 0, parallelism = 0, completionMode } = spec ?? {};
  const large = completionMode === 'Indexed' && completions > 100_000 && parallelism > 10_000;
  const text =
    'In Indexed Jobs with a number of completions higher than 10^5 and a parallelism higher than 10^4, Kubernetes might not be able to track completedIndexes when a big number of indexes fail';
  return [...(large ? [`${path}: ${text}`] : []), ...template(spec?.template, `${path}.template.`)];
}

function service({ metadata, spec }: k8s.Service): string[] {
  const warnings: string[] = [];
  const hints = 'service.kubernetes.io/topology-aware-hints';
  if (metadata?.annotations?.[hints] !== undefined)
    warnings.push(`annotation ${hints} is deprecated, please use service.kubernetes.io/topology-mode instead`);
  const { type = 'ClusterIP', externalIPs = [] } = spec ?? {};
  const headless = type === 'ClusterIP' && spec?.clusterIP === 'None';
  if (headless) {
    if (spec?.loadBalancerIP) warnings.push('spec.loadBalancerIP is ignored for headless services');
    if (externalIPs.length > 0) warnings.push('spec.externalIPs is ignored for headless services');
    if (spec?.sessionAffinity === 'ClientIP') warnings.push('spec.SessionAffinity is ignored for headless services');
  }
  if (externalIPs.length > 0 && !headless && type !== 'ExternalName')
    warnings.push('spec.externalIPs is deprecated and may no longer be implemented in some clusters');
  if (externalIPs.length > 0 && type === 'ExternalName')
    warnings.push('spec.externalIPs is ignored when spec.type is "ExternalName"');
  if (spec?.externalName && type !== 'ExternalName')
    warnings.push('spec.externalName is ignored when spec.type is not "ExternalName"');
  if (spec?.trafficDistribution === 'PreferClose')
    warnings.push('spec.trafficDistribution: "PreferClose" is deprecated; use "PreferSameZone"');
  return warnings;
}

function claim({ metadata, spec }: k8s.PersistentVolumeClaim): string[] {
  const old = metadata?.annotations?.[storageClassAnnotation] !== undefined;
  return [
    ...(old ? [`metadata.annotations[${storageClassAnnotation}]: ${classDeprecation}`] : []),
    ...claimWarnings(spec, 'spec.resources.requests'),
  ];
}

function storageClass({ allowedTopologies = [] }: k8s.StorageClass): string[] {
  return allowedTopologies.flatMap((topology, index) =>
    (topology.matchLabelExpressions ?? []).flatMap(({ key }, i) => {
      const text = labelDeprecation(key);
      return text === undefined ? [] : [`allowedTopologies[${index}].matchLabelExpressions[${i}].key: ${text}`];
    }),
  );
}

function serviceAccount({ metadata }: k8s.ServiceAccount): string[] {
  const mountable = 'kubernetes.io/enforce-mountable-secrets';
  if (metadata?.annotations?.[mountable] === undefined) return [];
  const text = 'deprecated in v1.32+; prefer separate namespaces to isolate access to mounted secrets';
  return [`metadata.annotations[${mountable}]: ${text}`];
}

function ingress({ metadata }: k8s.Ingress): string[] {
  const old = 'kubernetes.io/ingress.class';
  if (metadata?.annotations?.[old] === undefined) return [];
  return [`annotation ${JSON.stringify(old)} is deprecated, please use 'spec.ingressClassName' instead`];
}

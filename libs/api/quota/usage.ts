// What an object uses of a quota, which quotas are about it, and what they demand of it (pkg/quota/v1/evaluator/core).
import type { PersistentVolumeClaim, Pod, ResourceQuota, Service } from '../generated/types.ts';
import { qosClassOf } from '../pod-qos.ts';
import { isExtendedResource } from '../pod-resources.ts';
import { compareQuantities, type Quantity, quantityOf, roundUpQuantity } from '../quantity.ts';
import { groupResourceOf, type KubeObject } from '../resource.ts';
import type { ResourceInfo } from '../scheme.ts';
import { classOfClaim } from '../storage/classes.ts';
import { type Amounts, amountsFrom, podAmounts } from './amounts.ts';

interface Evaluator {
  usage(object: KubeObject, nowMs: number): Amounts;
  /** Whether a quota on that name is about such objects. */
  covers(name: string): boolean;
  inScope(scope: Scope, object: KubeObject): boolean;
  /** What a quota on those names demands that the object says; undefined where it does. */
  lacks?(object: KubeObject, names: readonly string[]): string | undefined;
  /** Whether an update through that subresource, the resource itself by an empty name, may change what is used. */
  updates(subresource: string, object: KubeObject, old: KubeObject): boolean;
}

interface Scope {
  readonly scopeName: string;
  readonly operator: string;
  readonly values: readonly string[];
}

const one = quantityOf(1);
const classSuffix = '.storageclass.storage.k8s.io/';

/** Core types that are also counted under their bare name. */
const bare = new Set(['configmaps', 'replicationcontrollers', 'resourcequotas', 'secrets']);

/** How objects of that type are counted: by their number at least. */
export function evaluatorOf(info: Pick<ResourceInfo, 'group' | 'resource'>): Evaluator {
  const name = groupResourceOf(info);
  switch (name) {
    case 'pods':
      return pods;
    case 'services':
      return services;
    case 'persistentvolumeclaims':
      return claims;
    default: {
      const names = [`count/${name}`, ...(bare.has(name) ? [name] : [])];
      return {
        usage: () => new Map(names.map((each) => [each, one])),
        covers: (each) => names.includes(each),
        inScope: () => false,
        updates: () => false,
      };
    }
  }
}

/** Whether the quota counts the object: some of its names are about it, and every scope takes it in. */
export function quotaMatches(quota: ResourceQuota, evaluator: Evaluator, object: KubeObject): boolean {
  if (!Object.keys(quota.spec?.hard ?? {}).some((name) => evaluator.covers(name))) return false;
  const scopes: Scope[] = [
    ...(quota.spec?.scopes ?? []).map((scopeName) => ({ scopeName, operator: 'Exists', values: [] })),
    ...(quota.spec?.scopeSelector?.matchExpressions ?? []).map(({ scopeName, operator, values = [] }) => ({
      scopeName,
      operator,
      values,
    })),
  ];
  return scopes.every((scope) => evaluator.inScope(scope, object));
}

const requestNames = ['cpu', 'memory', 'ephemeral-storage'];
const isHugePages = (name: string): boolean => name.startsWith('hugepages-');

/** Requests and limits under the names by which quotas know them. */
function computeNames(requests: ReadonlyMap<string, Quantity>, limits: ReadonlyMap<string, Quantity>): Amounts {
  const amounts: Amounts = new Map();
  for (const [name, quantity] of requests) {
    if (requestNames.includes(name) || isHugePages(name)) amounts.set(name, quantity);
    if (requestNames.includes(name) || isHugePages(name) || isExtendedResource(name)) amounts.set(`requests.${name}`, quantity);
  }
  for (const [name, quantity] of limits) if (requestNames.includes(name)) amounts.set(`limits.${name}`, quantity);
  return amounts;
}

/** Names that every container must speak of where a quota is on them. */
const demanded = new Set(['cpu', 'memory', 'requests.cpu', 'requests.memory', 'limits.cpu', 'limits.memory']);

const pods: Evaluator = {
  // What is asked for changes by a resize alone, the scope by an end that is set or taken back.
  updates: (subresource, object, old) =>
    subresource === 'resize' || (subresource === '' && isTerminating(object as Pod) !== isTerminating(old as Pod)),
  usage(object, nowMs) {
    const pod = object as Pod;
    const counted: Amounts = new Map([['count/pods', one]]);
    if (pod.spec === undefined || holdsNothing(pod, nowMs)) return counted;
    const compute = computeNames(podAmounts(pod.spec, 'requests'), podAmounts(pod.spec, 'limits'));
    return new Map([...counted, ['pods', one], ...compute]);
  },
  covers: (name) =>
    name === 'pods' ||
    name === 'count/pods' ||
    requestNames.includes(name.replace(/^(requests|limits)\./, '')) ||
    isHugePages(name.replace(/^requests\./, '')) ||
    (name.startsWith('requests.') && isExtendedResource(name.slice('requests.'.length))),
  inScope: (scope, object) => podInScope(scope, object as Pod),
  lacks(object, names) {
    const missing = new Map<string, string[]>();
    const { containers = [], initContainers = [] } = (object as Pod).spec ?? {};
    for (const { name, resources } of [...containers, ...initContainers]) {
      const said = computeNames(amountsFrom(resources?.requests), amountsFrom(resources?.limits));
      for (const each of names.filter((wanted) => demanded.has(wanted) && !said.has(wanted)))
        missing.set(each, [...(missing.get(each) ?? []), name]);
    }
    if (missing.size === 0) return undefined;
    const parts = [...missing].sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, of]) => `${name} for: ${of.sort().join(',')}`);
    return `must specify ${parts.join('; ')}`;
  },
};

/** Finished pods, and those that should be gone by now. */
function holdsNothing({ metadata, status }: Pod, nowMs: number): boolean {
  if (status?.phase === 'Failed' || status?.phase === 'Succeeded') return true;
  const { deletionTimestamp, deletionGracePeriodSeconds } = metadata ?? {};
  if (deletionTimestamp === undefined || deletionGracePeriodSeconds === undefined) return false;
  return nowMs > Date.parse(deletionTimestamp) + deletionGracePeriodSeconds * 1000;
}

function podInScope({ scopeName, operator, values }: Scope, pod: Pod): boolean {
  const spec = pod.spec;
  switch (scopeName) {
    case 'Terminating':
      return isTerminating(pod);
    case 'NotTerminating':
      return !isTerminating(pod);
    case 'BestEffort':
      return qosClassOf(pod) === 'BestEffort';
    case 'NotBestEffort':
      return qosClassOf(pod) !== 'BestEffort';
    case 'PriorityClass':
      return matchesName(spec?.priorityClassName ?? '', operator, values);
    case 'CrossNamespacePodAffinity':
      return crossesNamespaces(pod);
    default:
      return false;
  }
}

/** Whether the pod is to end by itself. */
function isTerminating({ spec }: Pod): boolean {
  return (spec?.activeDeadlineSeconds ?? -1) >= 0;
}

function matchesName(name: string, operator: string, values: readonly string[]): boolean {
  if (operator === 'In') return values.includes(name);
  if (operator === 'NotIn') return !values.includes(name);
  return operator === 'Exists' ? name !== '' : name === '';
}

function crossesNamespaces({ spec }: Pod): boolean {
  return [spec?.affinity?.podAffinity, spec?.affinity?.podAntiAffinity].some((affinity) =>
    [
      ...(affinity?.requiredDuringSchedulingIgnoredDuringExecution ?? []),
      ...(affinity?.preferredDuringSchedulingIgnoredDuringExecution ?? []).map((each) => each.podAffinityTerm),
    ].some(({ namespaces = [], namespaceSelector }) => namespaces.length > 0 || namespaceSelector !== undefined),
  );
}

const services: Evaluator = {
  updates: (subresource) => subresource === '',
  usage(object) {
    const { type, ports = [], allocateLoadBalancerNodePorts } = (object as Service).spec ?? {};
    const amounts: Amounts = new Map([
      ['count/services', one],
      ['services', one],
      ['services.nodeports', quantityOf(0)],
      ['services.loadbalancers', quantityOf(type === 'LoadBalancer' ? 1 : 0)],
    ]);
    const chosen = ports.filter((port) => (port.nodePort ?? 0) > 0).length;
    if (type === 'NodePort') amounts.set('services.nodeports', quantityOf(ports.length));
    if (type === 'LoadBalancer')
      amounts.set('services.nodeports', quantityOf(allocateLoadBalancerNodePorts === false ? chosen : ports.length));
    return amounts;
  },
  covers: (name) => ['count/services', 'services', 'services.nodeports', 'services.loadbalancers'].includes(name),
  inScope: () => false,
};

const claims: Evaluator = {
  updates: (subresource) => subresource === '' || subresource === 'status',
  usage(object) {
    const claim = object as PersistentVolumeClaim;
    const amounts: Amounts = new Map([
      ['count/persistentvolumeclaims', one],
      ['persistentvolumeclaims', one],
    ]);
    const className = classOfClaim(claim);
    const storage = storageOf(claim);
    if (storage !== undefined) amounts.set('requests.storage', storage);
    if (className === '') return amounts;
    amounts.set(`${className}${classSuffix}persistentvolumeclaims`, one);
    if (storage !== undefined) amounts.set(`${className}${classSuffix}requests.storage`, storage);
    return amounts;
  },
  covers: (name) =>
    name === 'count/persistentvolumeclaims' ||
    ['persistentvolumeclaims', 'requests.storage'].some((each) => name === each || name.endsWith(`${classSuffix}${each}`)),
  inScope: ({ scopeName, operator, values }, object) =>
    scopeName === 'VolumeAttributesClass' &&
    attributesClassesOf(object as PersistentVolumeClaim).some((name) => matchesName(name, operator, values)),
};

/** In whole bytes: what the claim asks for, or what its volume was given, where that is more. */
function storageOf({ spec, status }: PersistentVolumeClaim): Quantity | undefined {
  const asked = amountsFrom(spec?.resources?.requests).get('storage');
  const given = amountsFrom(status?.allocatedResources).get('storage');
  if (asked === undefined) return undefined;
  return roundUpQuantity(given !== undefined && compareQuantities(given, asked) > 0 ? given : asked, 0);
}

/** The one that the claim asks for, the one that its volume has, the one that it is about to have; an empty name for none. */
function attributesClassesOf({ spec, status }: PersistentVolumeClaim): string[] {
  const names = [
    spec?.volumeAttributesClassName,
    status?.currentVolumeAttributesClassName,
    status?.modifyVolumeStatus?.targetVolumeAttributesClassName,
  ].filter((name) => name !== undefined && name !== '');
  return names.length === 0 ? [''] : [...new Set(names as string[])];
}

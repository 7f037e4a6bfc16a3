// Rows of autoscaling, disruption, networking, leases, priorities and flow control.

import { convertAutoscaler } from '../conversion/autoscaler.ts';
import type {
  FlowSchema,
  HorizontalPodAutoscaler,
  Ingress,
  IngressClass,
  IPAddress,
  Lease,
  NetworkPolicy,
  PodDisruptionBudget,
  PriorityClass,
  PriorityLevelConfiguration,
  ResourceResourceClaim,
  ResourceSlice,
  RuntimeClass,
  ServiceCIDR,
  V2HorizontalPodAutoscaler,
  V2MetricSpec,
  V2MetricStatus,
} from '../generated/types.ts';
import type { KubeObject } from '../resource.ts';
import { type Cell, createdAge, nameOf, none, printer, selectorText, unknown, unset } from './cells.ts';

const shownMetrics = 2;

export const policyPrinters = [
  printer<V2HorizontalPodAutoscaler>('autoscaling/v2/HorizontalPodAutoscaler', printAutoscaler),
  // The older version has no fields for most of it.
  printer<HorizontalPodAutoscaler>('autoscaling/v1/HorizontalPodAutoscaler', (object, now) =>
    printAutoscaler(convertAutoscaler(object, 'autoscaling/v2') as V2HorizontalPodAutoscaler, now),
  ),
  printer<PodDisruptionBudget>('policy/PodDisruptionBudget', (object, now) => [
    nameOf(object),
    object.spec?.minAvailable === undefined ? 'N/A' : String(object.spec.minAvailable),
    object.spec?.maxUnavailable === undefined ? 'N/A' : String(object.spec.maxUnavailable),
    object.status?.disruptionsAllowed ?? 0,
    createdAge(object, now),
  ]),
  printer<NetworkPolicy>('networking.k8s.io/NetworkPolicy', (object, now) => [
    nameOf(object),
    selectorText(object.spec?.podSelector ?? {}),
    createdAge(object, now),
  ]),
  printer<Ingress>('networking.k8s.io/Ingress', printIngress),
  printer<IngressClass>('networking.k8s.io/IngressClass', (object, now) => [
    nameOf(object),
    object.spec?.controller ?? '',
    parametersText(object),
    createdAge(object, now),
  ]),
  // Upstream's rows have an age for which it defines no column.
  printer<IPAddress>('networking.k8s.io/IPAddress', (object, now) => {
    const { resource = '', group = '', namespace = '', name = '' } = object.spec?.parentRef ?? {};
    const type = group === '' ? resource : `${resource}.${group}`;
    const parent = namespace === '' ? `${type}/${name}` : `${type}/${namespace}/${name}`;
    return [nameOf(object), parent, createdAge(object, now)];
  }),
  printer<ServiceCIDR>('networking.k8s.io/ServiceCIDR', (object, now) => [
    nameOf(object),
    (object.spec?.cidrs ?? []).join(','),
    createdAge(object, now),
  ]),
  printer<Lease>('coordination.k8s.io/Lease', (object, now) => [
    nameOf(object),
    object.spec?.holderIdentity ?? '',
    createdAge(object, now),
  ]),
  printer<PriorityClass>('scheduling.k8s.io/PriorityClass', (object, now) => [
    nameOf(object),
    object.value ?? 0,
    object.globalDefault ?? false,
    createdAge(object, now),
    object.preemptionPolicy ?? '',
  ]),
  printer<RuntimeClass>('node.k8s.io/RuntimeClass', (object, now) => [nameOf(object), object.handler, createdAge(object, now)]),
  printer<FlowSchema>('flowcontrol.apiserver.k8s.io/FlowSchema', printFlowSchema),
  printer<PriorityLevelConfiguration>('flowcontrol.apiserver.k8s.io/PriorityLevelConfiguration', printPriorityLevel),
  printer<KubeObject>('resource.k8s.io/DeviceClass', (object, now) => [nameOf(object), createdAge(object, now)]),
  printer<KubeObject>('resource.k8s.io/ResourceClaimTemplate', (object, now) => [nameOf(object), createdAge(object, now)]),
  printer<ResourceResourceClaim>('resource.k8s.io/ResourceClaim', (object, now) => [
    nameOf(object),
    claimState(object),
    createdAge(object, now),
  ]),
  printer<ResourceSlice>('resource.k8s.io/ResourceSlice', (object, now) => [
    nameOf(object),
    object.spec?.nodeName ?? '',
    object.spec?.driver ?? '',
    object.spec?.pool.name ?? '',
    createdAge(object, now),
  ]),
];

function printAutoscaler(object: V2HorizontalPodAutoscaler, now: number): Cell[] {
  const { spec, status } = object;
  return [
    nameOf(object),
    `${spec?.scaleTargetRef.kind}/${spec?.scaleTargetRef.name}`,
    metricsText(spec?.metrics ?? [], status?.currentMetrics ?? []),
    spec?.minReplicas === undefined ? unset : String(spec.minReplicas),
    spec?.maxReplicas ?? 0,
    status?.currentReplicas ?? 0,
    createdAge(object, now),
  ];
}

function metricsText(specs: readonly V2MetricSpec[], statuses: readonly V2MetricStatus[]): string {
  if (specs.length === 0) return none;
  const texts = specs.slice(0, shownMetrics).map((spec, index) => metricText(spec, statuses[index]));
  const more = specs.length > shownMetrics ? ` + ${specs.length - shownMetrics} more...` : '';
  return texts.join(', ') + more;
}

function metricText(spec: V2MetricSpec, status: V2MetricStatus | undefined): string {
  const resource = spec.resource ?? spec.containerResource;
  if (resource !== undefined) {
    const current = (status?.resource ?? status?.containerResource)?.current;
    const target = resource.target;
    if (target.averageValue !== undefined)
      return `${resource.name}: ${current?.averageValue ?? unknown}/${target.averageValue}`;
    const now = current?.averageUtilization === undefined ? unknown : `${current.averageUtilization}%`;
    return `${resource.name}: ${now}/${target.averageUtilization === undefined ? '<auto>' : `${target.averageUtilization}%`}`;
  }
  if (spec.pods !== undefined) return `${status?.pods?.current.averageValue ?? unknown}/${spec.pods.target.averageValue}`;
  const target = (spec.object ?? spec.external)?.target;
  const current = (status?.object ?? status?.external)?.current;
  if (target?.averageValue !== undefined) return `${current?.averageValue ?? unknown}/${target.averageValue} (avg)`;
  return `${current?.value ?? unknown}/${target?.value ?? unknown}`;
}

function printIngress(object: Ingress, now: number): Cell[] {
  const rules = object.spec?.rules ?? [];
  const hosts = rules.map((rule) => rule.host ?? '').filter((host) => host !== '');
  const addresses = (object.status?.loadBalancer?.ingress ?? []).map((ingress) => ingress.ip || ingress.hostname || '');
  return [
    nameOf(object),
    object.spec?.ingressClassName ?? none,
    hosts.length === 0
      ? '*'
      : hosts.length > 3
        ? `${hosts.slice(0, 3).join(',')} + ${hosts.length - 3} more...`
        : hosts.join(','),
    addresses.join(','),
    (object.spec?.tls ?? []).length > 0 ? '80, 443' : '80',
    createdAge(object, now),
  ];
}

function parametersText(object: IngressClass): string {
  const parameters = object.spec?.parameters;
  if (parameters === undefined) return none;
  const type = parameters.apiGroup ? `${parameters.kind}.${parameters.apiGroup}` : parameters.kind;
  return `${type}/${parameters.name}`;
}

function printFlowSchema(object: FlowSchema, now: number): Cell[] {
  const dangling = object.status?.conditions?.find((condition) => condition.type === 'Dangling')?.status;
  return [
    nameOf(object),
    object.spec?.priorityLevelConfiguration.name ?? '',
    object.spec?.matchingPrecedence ?? 0,
    object.spec?.distinguisherMethod?.type ?? none,
    createdAge(object, now),
    dangling ?? '?',
  ];
}

function printPriorityLevel(object: PriorityLevelConfiguration, now: number): Cell[] {
  const limited = object.spec?.limited;
  const queuing = limited?.limitResponse?.queuing;
  return [
    nameOf(object),
    object.spec?.type ?? '',
    limited?.nominalConcurrencyShares ?? none,
    queuing?.queues ?? none,
    queuing?.handSize ?? none,
    queuing?.queueLengthLimit ?? none,
    createdAge(object, now),
  ];
}

function claimState(object: ResourceResourceClaim): string {
  const states: string[] = [];
  if (object.metadata?.deletionTimestamp !== undefined) states.push('deleted');
  const status = object.status;
  if (status?.allocation === undefined) {
    if (object.metadata?.deletionTimestamp === undefined) states.push('pending');
  } else {
    states.push('allocated');
    if ((status.reservedFor ?? []).length > 0) states.push('reserved');
  }
  return states.join(',');
}

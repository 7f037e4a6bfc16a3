// What counts towards a ResourceQuota: objects by number, pods by what they request, claims by what they ask for.
// Follows upstream's pkg/quota/v1/evaluator/core.
import type { PersistentVolumeClaim, Pod, ResourceQuota, Service } from '@drydock/api/generated/types.ts';
import { addQuantities, formatQuantity, parseQuantity, type Quantity } from '@drydock/api/quantity.ts';
import { isPodTerminal } from '../common/pod.ts';

/** Adds quantities up by name. */
export class Totals {
  readonly #sums = new Map<string, Quantity>();

  add(name: string, amount: string): void {
    const quantity = parseQuantity(amount);
    const sum = this.#sums.get(name);
    this.#sums.set(name, sum === undefined ? quantity : addQuantities(sum, quantity));
  }

  text(name: string): string {
    const sum = this.#sums.get(name);
    return sum === undefined ? '0' : formatQuantity(sum);
  }
}

/** Core types that are also counted under their bare name. */
export const bareCounts: ReadonlySet<string> = new Set([
  'configmaps',
  'persistentvolumeclaims',
  'replicationcontrollers',
  'resourcequotas',
  'secrets',
  'services',
]);

/** Whether the quota's scopes take the pod in. */
export function inScope(quota: ResourceQuota, pod: Pod): boolean {
  const required = (quota.spec?.scopes ?? []).map((scopeName) => ({ scopeName, operator: 'Exists', values: [] as string[] }));
  return [...required, ...(quota.spec?.scopeSelector?.matchExpressions ?? [])].every(({ scopeName, operator, values = [] }) => {
    switch (scopeName) {
      case 'Terminating':
        return (pod.spec?.activeDeadlineSeconds ?? -1) >= 0;
      case 'NotTerminating':
        return pod.spec?.activeDeadlineSeconds === undefined;
      case 'BestEffort':
        return isBestEffort(pod);
      case 'NotBestEffort':
        return !isBestEffort(pod);
      case 'PriorityClass':
        return matchesClass(pod.spec?.priorityClassName ?? '', operator, values);
      default:
        return false;
    }
  });
}

function matchesClass(name: string, operator: string, values: readonly string[]): boolean {
  if (operator === 'In') return values.includes(name);
  if (operator === 'NotIn') return !values.includes(name);
  return operator === 'Exists' ? name !== '' : name === '';
}

function isBestEffort(pod: Pod): boolean {
  const containers = [...(pod.spec?.containers ?? []), ...(pod.spec?.initContainers ?? [])];
  return containers.every(({ resources }) => {
    const named = { ...resources?.requests, ...resources?.limits };
    return named['cpu'] === undefined && named['memory'] === undefined;
  });
}

/** Resources that are also counted under their bare name, as requests. */
const bareRequests = new Set(['cpu', 'memory', 'ephemeral-storage']);

/** Adds a pod: itself, its requests and its limits. Finished pods hold nothing. */
export function addPod(totals: Totals, pod: Pod): void {
  totals.add('count/pods', '1');
  if (isPodTerminal(pod)) return;
  totals.add('pods', '1');
  for (const kind of ['requests', 'limits'] as const) {
    for (const { resources } of pod.spec?.containers ?? []) {
      for (const [name, amount] of Object.entries(resources?.[kind] ?? {})) {
        totals.add(`${kind}.${name}`, amount);
        if (kind === 'requests' && bareRequests.has(name)) totals.add(name, amount);
      }
    }
  }
}

export function addService(totals: Totals, service: Service): void {
  const ports = service.spec?.ports?.length ?? 0;
  const type = service.spec?.type;
  if (type === 'LoadBalancer') totals.add('services.loadbalancers', '1');
  const allocates = type === 'LoadBalancer' && service.spec?.allocateLoadBalancerNodePorts !== false;
  if (type === 'NodePort' || allocates) totals.add('services.nodeports', String(ports));
}

export function addClaim(totals: Totals, claim: PersistentVolumeClaim): void {
  const amount = claim.spec?.resources?.requests?.['storage'];
  const className = claim.spec?.storageClassName;
  if (amount !== undefined) totals.add('requests.storage', amount);
  if (className === undefined || className === '') return;
  totals.add(`${className}.storageclass.storage.k8s.io/persistentvolumeclaims`, '1');
  if (amount !== undefined) totals.add(`${className}.storageclass.storage.k8s.io/requests.storage`, amount);
}

// Keeps a ResourceQuota's status true: what is allowed and how much of it is used. Pure; follows upstream's
// pkg/controller/resourcequota. How much an object uses is said in one place, which admission asks, too.
import type { PersistentVolumeClaim, Pod, ResourceQuota, Service } from '@drydock/api/generated/types.ts';
import { formatQuantity, quantityOf } from '@drydock/api/quantity.ts';
import { type Amounts, addTo } from '@drydock/api/quota/amounts.ts';
import { evaluatorOf, quotaMatches } from '@drydock/api/quota/usage.ts';
import {
  groupResourceOf,
  type KubeObject,
  persistentVolumeClaims,
  pods as podResource,
  type Resource,
  resourceQuotas,
  services as serviceResource,
} from '@drydock/api/resource.ts';
import type { Plan } from '../common/action.ts';
import { semanticEqual } from '../common/equality.ts';
import { isBeingDeleted } from '../common/object-meta.ts';

export interface QuotaObserved {
  readonly quota: ResourceQuota;
  /** What the quota's namespace holds. */
  readonly pods: readonly Pod[];
  readonly services: readonly Service[];
  readonly claims: readonly PersistentVolumeClaim[];
  /** Number of objects by `resource.group` (`resource` alone in the core group); types that are not watched are absent. */
  readonly counts: ReadonlyMap<string, number>;
}

/** Types of which every object is looked at; of the others the number is enough. */
const lookedAt: ReadonlySet<string> = new Set([podResource, serviceResource, persistentVolumeClaims].map(groupResourceOf));

/** @param wallMs pods that should be gone by now use nothing. */
export function planQuota(observed: QuotaObserved, wallMs: number): Plan {
  const { quota } = observed;
  if (isBeingDeleted(quota)) return { actions: [] };
  const totals: Amounts = new Map();
  const add = (resource: Pick<Resource, 'group' | 'resource'>, objects: readonly KubeObject[]): void => {
    const evaluator = evaluatorOf(resource);
    for (const object of objects) if (quotaMatches(quota, evaluator, object)) addTo(totals, evaluator.usage(object, wallMs));
  };
  add(podResource, observed.pods);
  add(serviceResource, observed.services);
  add(persistentVolumeClaims, observed.claims);
  for (const [name, count] of observed.counts) {
    if (lookedAt.has(name)) continue;
    const [resource = '', ...group] = name.split('.');
    const evaluator = evaluatorOf({ resource, group: group.join('.') });
    if (!quotaMatches(quota, evaluator, {})) continue;
    for (const each of evaluator.usage({}, wallMs).keys()) totals.set(each, quantityOf(count));
  }
  const hard = quota.spec?.hard ?? {};
  const used = Object.fromEntries(Object.keys(hard).map((name) => [name, formatQuantity(totals.get(name) ?? quantityOf(0))]));
  const status = { hard, used };
  if (semanticEqual(status, { hard: quota.status?.hard ?? {}, used: quota.status?.used ?? {} })) return { actions: [] };
  const object: ResourceQuota = { ...quota, status };
  return { actions: [{ verb: 'update', resource: resourceQuotas, object, subresource: 'status' }] };
}

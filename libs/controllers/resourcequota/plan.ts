// Keeps a ResourceQuota's status true: what is allowed and how much of it is used. Pure; follows upstream's
// pkg/controller/resourcequota.
import type { PersistentVolumeClaim, Pod, ResourceQuota, Service } from '@drydock/api/generated/types.ts';
import { resourceQuotas } from '@drydock/api/resource.ts';
import type { Plan } from '../common/action.ts';
import { semanticEqual } from '../common/equality.ts';
import { isBeingDeleted } from '../common/object-meta.ts';
import { addClaim, addPod, addService, bareCounts, inScope, Totals } from './usage.ts';

export interface QuotaObserved {
  readonly quota: ResourceQuota;
  /** What the quota's namespace holds. */
  readonly pods: readonly Pod[];
  readonly services: readonly Service[];
  readonly claims: readonly PersistentVolumeClaim[];
  /** Number of objects by `resource.group` (`resource` alone in the core group); types that are not watched are absent. */
  readonly counts: ReadonlyMap<string, number>;
}

export function planQuota(observed: QuotaObserved): Plan {
  const { quota } = observed;
  if (isBeingDeleted(quota)) return { actions: [] };
  const totals = new Totals();
  for (const pod of observed.pods) if (inScope(quota, pod)) addPod(totals, pod);
  // Scopes speak of pods: a quota with one counts nothing else.
  if ((quota.spec?.scopes ?? []).length === 0 && quota.spec?.scopeSelector === undefined) {
    for (const service of observed.services) addService(totals, service);
    for (const claim of observed.claims) addClaim(totals, claim);
    for (const [name, count] of observed.counts) {
      if (name === 'pods') continue;
      totals.add(`count/${name}`, String(count));
      if (bareCounts.has(name)) totals.add(name, String(count));
    }
  }
  const hard = quota.spec?.hard ?? {};
  const used = Object.fromEntries(Object.keys(hard).map((name) => [name, totals.text(name)]));
  const status = { hard, used };
  if (semanticEqual(status, { hard: quota.status?.hard ?? {}, used: quota.status?.used ?? {} })) return { actions: [] };
  const object: ResourceQuota = { ...quota, status };
  return { actions: [{ verb: 'update', resource: resourceQuotas, object, subresource: 'status' }] };
}

// ResourceQuota: what a namespace may use is counted before it is used (apiserver, pkg/admission/plugin/resourcequota). What
// was counted for a write that then fails is given back by the quota controller's recount, as upstream.
import type { ResourceQuota } from '@drydock/api/generated/types.ts';
import { addQuantities, compareQuantities, formatQuantity, type Quantity, quantityOf } from '@drydock/api/quantity.ts';
import { type Amounts, amountsFrom, excessOf, textsOf } from '@drydock/api/quota/amounts.ts';
import { evaluatorOf, quotaMatches } from '@drydock/api/quota/usage.ts';
import type { KubeObject } from '@drydock/api/resource.ts';
import { forbiddenObject } from '../registry/errors.ts';
import type { AdmissionPlugin, AdmissionRequest } from './admission.ts';

export interface Quotas {
  /** Names of the namespace's quotas. */
  names(namespace: string): Promise<readonly string[]>;
  /** A quota as the store has it now. */
  read(namespace: string, name: string): Promise<ResourceQuota | undefined>;
  /** Lets `change` decide on the quota as it is, and writes what it gives; again where another write came between. */
  update(namespace: string, name: string, change: (quota: ResourceQuota) => ResourceQuota): Promise<void>;
  nowMs(): number;
}

/** Types that no quota counts. */
const ignored = new Set(['events', 'bindings', 'componentstatuses', 'localsubjectaccessreviews']);

export function resourceQuota(quotas: Quotas): AdmissionPlugin {
  return {
    name: 'ResourceQuota',
    async validate(request) {
      if (!counts(request)) return;
      const charged: string[] = [];
      for (const name of await quotas.names(request.namespace)) {
        const quota = await quotas.read(request.namespace, name);
        if (quota !== undefined && charge(request, quota, quotas.nowMs()) !== quota) charged.push(name);
      }
      if (request.dryRun) return;
      for (const name of charged)
        await quotas.update(request.namespace, name, (quota) => charge(request, quota, quotas.nowMs()));
    },
  };
}

function counts({ info, operation, subresource, namespace, object, old }: AdmissionRequest): boolean {
  if (!info.namespaced || namespace === '' || object === undefined || ignored.has(info.resource)) return false;
  if (operation === 'CREATE') return subresource === '';
  return operation === 'UPDATE' && old !== undefined && evaluatorOf(info).updates(subresource, object, old);
}

/** The quota with the request counted, or the same quota where it is not about it. Fails with Forbidden. */
function charge(request: AdmissionRequest, quota: ResourceQuota, nowMs: number): ResourceQuota {
  const { info, object, old, name } = request;
  if (object === undefined) return quota;
  const evaluator = evaluatorOf(info);
  if (!quotaMatches(quota, evaluator, object)) return quota;
  const quotaName = quota.metadata?.name ?? '';
  const refuse = (why: string) => forbiddenObject(info, object.metadata?.name || name, why);
  const hard = amountsFrom(quota.status?.hard);
  const used = amountsFrom(quota.status?.used);
  const names = [...hard.keys()].filter((each) => evaluator.covers(each)).sort();
  const lacking = evaluator.lacks?.(object, names);
  if (lacking !== undefined) throw refuse(`failed quota: ${quotaName}: ${lacking}`);
  if (names.some((each) => !used.has(each)))
    throw refuse(`status unknown for quota: ${quotaName}, resources: ${names.join(',')}`);
  const delta = usageOf(
    object,
    old,
    (each) => evaluator.usage(each, nowMs),
    old !== undefined && quotaMatches(quota, evaluator, old),
  );
  const asked = new Map([...delta].filter(([each, quantity]) => hard.has(each) && quantity.unscaled !== 0n));
  if ([...delta.values()].some((quantity) => quantity.unscaled < 0n)) throw refuse('quota usage is negative');
  if (asked.size === 0) return quota;
  const next = new Map(used);
  for (const [each, quantity] of asked) next.set(each, addQuantities(used.get(each) ?? quantityOf(0), quantity));
  // A status says what is so already: it is counted, and refused to nobody.
  if (request.subresource === 'status') return { ...quota, status: { ...quota.status, used: textsOf(next) } };
  const exceeded = [...asked.keys()]
    .filter((each) => compareQuantities(next.get(each) ?? quantityOf(0), hard.get(each) ?? quantityOf(0)) > 0)
    .sort();
  if (exceeded.length > 0) {
    const list = (amounts: ReadonlyMap<string, Quantity>): string =>
      exceeded.map((each) => `${each}=${formatQuantity(amounts.get(each) ?? quantityOf(0))}`).join(',');
    throw refuse(`exceeded quota: ${quotaName}, requested: ${list(asked)}, used: ${list(used)}, limited: ${list(hard)}`);
  }
  return { ...quota, status: { ...quota.status, used: textsOf(next) } };
}

/** What is used beyond what the old state used already, where the quota counted that. */
function usageOf(
  object: KubeObject,
  old: KubeObject | undefined,
  usage: (object: KubeObject) => Amounts,
  wasCounted: boolean,
): Amounts {
  const now = usage(object);
  return old === undefined || !wasCounted ? now : excessOf(now, usage(old));
}

// Rules of quotas and limit ranges.
import type { LimitRange, LimitRangeItem, ResourceQuota } from '../generated/types.ts';
import { qualifiedNameErrors } from '../names.ts';
import { compareQuantities, tryParseQuantity } from '../quantity.ts';
import { rules } from './define.ts';
import { type FieldError, invalid } from './field-error.ts';

const quotaNames = new Set([
  'cpu',
  'memory',
  'ephemeral-storage',
  'requests.cpu',
  'requests.memory',
  'requests.storage',
  'requests.ephemeral-storage',
  'limits.cpu',
  'limits.memory',
  'limits.ephemeral-storage',
  'pods',
  'resourcequotas',
  'services',
  'replicationcontrollers',
  'secrets',
  'persistentvolumeclaims',
  'configmaps',
  'services.nodeports',
  'services.loadbalancers',
]);
const scopes = new Set([
  'Terminating',
  'NotTerminating',
  'BestEffort',
  'NotBestEffort',
  'PriorityClass',
  'CrossNamespacePodAffinity',
  'VolumeAttributesClass',
]);

export const quotaRules = [
  rules<ResourceQuota>('/ResourceQuota', {
    create: validateQuota,
    update: validateQuotaUpdate,
    subresources: {
      status: ({ status }) => [...amounts(status?.hard, 'status.hard'), ...amounts(status?.used, 'status.used')],
    },
  }),
  rules<LimitRange>('/LimitRange', { create: ({ spec }) => (spec?.limits ?? []).flatMap(validateItem) }),
];

/** Names and amounts of what is limited or used. */
function amounts(list: Readonly<Record<string, string>> | undefined, path: string): FieldError[] {
  const errors: FieldError[] = [];
  for (const [name, text] of Object.entries(list ?? {})) {
    const at = `${path}[${name}]`;
    const malformed = qualifiedNameErrors(name);
    for (const message of malformed) errors.push(invalid(at, name, message));
    if (!name.includes('/') && !quotaNames.has(name) && !/^(requests\.)?hugepages-/.test(name)) {
      if (malformed.length === 0) errors.push(invalid(at, name, 'must be a standard resource type or fully qualified'));
      errors.push(invalid(at, name, 'must be a standard resource for quota'));
    }
    if ((tryParseQuantity(text)?.unscaled ?? 0n) < 0n) errors.push(invalid(at, text, 'must be greater than or equal to 0'));
  }
  return errors;
}

function validateQuota({ spec = {} }: ResourceQuota): FieldError[] {
  const errors = amounts(spec.hard, 'spec.hard');
  if ((spec.scopes ?? []).some((scope) => !scopes.has(scope)))
    errors.push(invalid('spec.scopes', spec.scopes, 'unsupported scope'));
  return errors;
}

/** What a quota counts stays; only how much is allowed changes. */
function validateQuotaUpdate(quota: ResourceQuota, old: ResourceQuota): FieldError[] {
  const errors = validateQuota(quota);
  const set = (list: readonly string[] | undefined): string => JSON.stringify([...new Set(list ?? [])].sort());
  if (set(quota.spec?.scopes) !== set(old.spec?.scopes))
    errors.push(invalid('spec.scopes', quota.spec?.scopes ?? null, 'field is immutable'));
  return errors;
}

function validateItem(item: LimitRangeItem, index: number): FieldError[] {
  const errors: FieldError[] = [];
  const at = `spec.limits[${index}]`;
  const above = (low: string | undefined, high: string | undefined): boolean => {
    const [a, b] = [tryParseQuantity(low ?? ''), tryParseQuantity(high ?? '')];
    return a !== undefined && b !== undefined && compareQuantities(a, b) > 0;
  };
  const names = new Set([item.max, item.min, item.default, item.defaultRequest].flatMap((list) => Object.keys(list ?? {})));
  for (const name of names) {
    const [max, min, limit, request] = [item.max?.[name], item.min?.[name], item.default?.[name], item.defaultRequest?.[name]];
    if (above(min, max)) errors.push(invalid(`${at}.min[${name}]`, min, `min value ${min} is greater than max value ${max}`));
    if (above(min, request)) {
      errors.push(
        invalid(`${at}.defaultRequest[${name}]`, request, `min value ${min} is greater than default request value ${request}`),
      );
    }
    if (above(request, max)) {
      errors.push(
        invalid(`${at}.defaultRequest[${name}]`, request, `default request value ${request} is greater than max value ${max}`),
      );
    }
    if (above(request, limit)) {
      errors.push(
        invalid(
          `${at}.defaultRequest[${name}]`,
          request,
          `default request value ${request} is greater than default limit value ${limit}`,
        ),
      );
    }
    if (above(min, limit))
      errors.push(invalid(`${at}.default[${name}]`, min, `min value ${min} is greater than default value ${limit}`));
    if (above(limit, max))
      errors.push(invalid(`${at}.default[${name}]`, limit, `default value ${limit} is greater than max value ${max}`));
  }
  return errors;
}

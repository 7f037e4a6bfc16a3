// Label selectors as objects (metav1.LabelSelector); the textual form belongs to the apiserver's queries.

import type { LabelSelector, LabelSelectorRequirement } from '@drydock/api/generated/types.ts';
import { ownField } from '../json.ts';

export type Labels = Readonly<Record<string, string>>;

/** Whether `selector` selects everything: `{}`. Controllers refuse to work with it. */
export function isEmptySelector(selector: LabelSelector | undefined): boolean {
  return (
    selector !== undefined &&
    Object.keys(selector.matchLabels ?? {}).length === 0 &&
    (selector.matchExpressions ?? []).length === 0
  );
}

/** Whether `labels` satisfy `selector`; no selector matches nothing, the empty one everything. */
export function matchesSelector(selector: LabelSelector | undefined, labels: Labels | undefined): boolean {
  if (selector === undefined) return false;
  return (
    matchesLabels(selector.matchLabels ?? {}, labels) &&
    (selector.matchExpressions ?? []).every((requirement) => matchesRequirement(requirement, labels ?? {}))
  );
}

/** Whether every pair of `wanted` is in `labels`. */
export function matchesLabels(wanted: Labels, labels: Labels | undefined): boolean {
  for (const [key, value] of Object.entries(wanted)) if (ownField(labels, key) !== value) return false;
  return true;
}

function matchesRequirement(requirement: LabelSelectorRequirement, labels: Labels): boolean {
  const value = ownField(labels, requirement.key);
  switch (requirement.operator) {
    case 'In':
      return value !== undefined && (requirement.values ?? []).includes(value);
    case 'NotIn':
      return value === undefined || !(requirement.values ?? []).includes(value);
    case 'Exists':
      return value !== undefined;
    case 'DoesNotExist':
      return value === undefined;
    default:
      return false;
  }
}

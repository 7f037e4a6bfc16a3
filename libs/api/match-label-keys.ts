// `matchLabelKeys` and `mismatchLabelKeys`: the pod's own values of these labels become part of the selector when it is created, so that
// whoever reads the selector needs no more.
import type { LabelSelector, LabelSelectorRequirement, Pod, PodAffinityTerm } from './generated/types.ts';
import { ownField } from './json.ts';

/** In place. */
export function mergeMatchLabelKeys({ metadata, spec }: Pod): void {
  const labels = metadata?.labels ?? {};
  for (const { labelSelector, matchLabelKeys } of spec?.topologySpreadConstraints ?? [])
    demand(labelSelector, matchLabelKeys, 'In', labels);
  for (const { labelSelector, matchLabelKeys, mismatchLabelKeys } of podTerms(spec)) {
    demand(labelSelector, matchLabelKeys, 'In', labels);
    demand(labelSelector, mismatchLabelKeys, 'NotIn', labels);
  }
}

function* podTerms(spec: Pod['spec']): Iterable<PodAffinityTerm> {
  for (const affinity of [spec?.affinity?.podAffinity, spec?.affinity?.podAntiAffinity]) {
    yield* affinity?.requiredDuringSchedulingIgnoredDuringExecution ?? [];
    for (const { podAffinityTerm } of affinity?.preferredDuringSchedulingIgnoredDuringExecution ?? []) yield podAffinityTerm;
  }
}

/** Without a selector there is nothing to add to. */
function demand(
  selector: LabelSelector | undefined,
  keys: readonly string[] | undefined,
  operator: 'In' | 'NotIn',
  labels: Readonly<Record<string, string>>,
): void {
  if (selector === undefined) return;
  const added = requirementsOf(keys ?? [], operator, labels);
  if (added.length > 0) selector.matchExpressions = [...(selector.matchExpressions ?? []), ...added];
}

/** What the keys ask of others, by the pod's own labels; nothing for labels that the pod has not. */
export function requirementsOf(
  keys: readonly string[],
  operator: 'In' | 'NotIn',
  labels: Readonly<Record<string, string>>,
): LabelSelectorRequirement[] {
  return keys.flatMap((key) => {
    const value = ownField(labels, key);
    return value === undefined ? [] : [{ key, operator, values: [value] }];
  });
}

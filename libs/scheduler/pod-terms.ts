// The terms of a pod's affinity to other pods, and what they match.
// https://kubernetes.io/docs/concepts/scheduling-eviction/assign-pod-node/#inter-pod-affinity-and-anti-affinity
import type { LabelSelector, Pod, PodAffinityTerm } from '@drydock/api/generated/types.ts';
import { type Labels, matchesSelector } from '@drydock/api/selectors/label-selector.ts';

export interface PodTerm {
  readonly topologyKey: string;
  readonly selector: LabelSelector | undefined;
  /** By name; where the term names none and selects none, that of its own pod. */
  readonly namespaces: ReadonlySet<string>;
  readonly namespaceSelector: LabelSelector | undefined;
  /** How much matching it costs, in comparisons of one label. */
  readonly size: number;
  /** The same for terms that say the same. */
  readonly key: string;
}

export interface WeightedTerm extends PodTerm {
  /** Negative: away from what matches. */
  readonly weight: number;
}

/** All terms of one pod. */
export interface PodTerms {
  readonly affinity: readonly PodTerm[];
  readonly antiAffinity: readonly PodTerm[];
  readonly preferred: readonly WeightedTerm[];
  /** How many comparisons it takes to match a pod with those that are required, at most. */
  readonly requiredSize: number;
}

/** The labels of a namespace by its name. */
export type NamespaceLabels = (namespace: string) => Labels | undefined;

/** Undefined where the pod has none. */
export function termsOf(pod: Pod): PodTerms | undefined {
  const { podAffinity, podAntiAffinity } = pod.spec?.affinity ?? {};
  if (podAffinity === undefined && podAntiAffinity === undefined) return undefined;
  const namespace = pod.metadata?.namespace ?? '';
  const term = (each: PodAffinityTerm) => termOf(each, namespace);
  const weighted = (from: typeof podAffinity, sign: 1 | -1): WeightedTerm[] =>
    (from?.preferredDuringSchedulingIgnoredDuringExecution ?? [])
      .map(({ weight, podAffinityTerm }) => ({
        ...term(podAffinityTerm),
        weight: sign * weight,
      }))
      .map((each) => ({ ...each, key: `${each.weight} ${each.key}` }));
  const affinity = (podAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? []).map(term);
  const antiAffinity = (podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? []).map(term);
  return {
    affinity,
    antiAffinity,
    requiredSize: [...affinity, ...antiAffinity].reduce((sum, { size }) => sum + size, 0),
    preferred: [...weighted(podAffinity, 1), ...weighted(podAntiAffinity, -1)],
  };
}

function termOf(term: PodAffinityTerm, own: string): PodTerm {
  const { topologyKey, labelSelector, namespaces = [], namespaceSelector } = term;
  const isOwn = namespaces.length === 0 && namespaceSelector === undefined;
  const named = isOwn ? [own] : namespaces;
  return {
    topologyKey,
    selector: labelSelector,
    namespaces: new Set(named),
    namespaceSelector,
    size: sizeOf(labelSelector) + sizeOf(namespaceSelector),
    key: JSON.stringify([topologyKey, labelSelector, named, namespaceSelector]),
  };
}

/** How many comparisons it takes to match a selector, at most. */
export function sizeOf(selector: LabelSelector | undefined): number {
  const listed = (selector?.matchExpressions ?? []).reduce((sum, { values = [] }) => sum + 1 + values.length, 0);
  return 1 + Object.keys(selector?.matchLabels ?? {}).length + listed;
}

export function coversNamespace(term: PodTerm, namespace: string, labelsOf: NamespaceLabels): boolean {
  if (term.namespaces.has(namespace)) return true;
  return term.namespaceSelector !== undefined && matchesSelector(term.namespaceSelector, labelsOf(namespace) ?? {});
}

export function matchesPod(term: PodTerm, { metadata }: Pod, labelsOf: NamespaceLabels): boolean {
  return coversNamespace(term, metadata?.namespace ?? '', labelsOf) && matchesSelector(term.selector, metadata?.labels ?? {});
}

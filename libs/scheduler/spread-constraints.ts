// Topology spread constraints as the plugin uses them: those of a pod, or those that are for all pods of a Service or workload.
// https://kubernetes.io/docs/concepts/scheduling-eviction/topology-spread-constraints/
import type { LabelSelector, Node, Pod, TopologySpreadConstraint } from '@drydock/api/generated/types.ts';
import { ownField } from '@drydock/api/json.ts';
import { requirementsOf } from '@drydock/api/match-label-keys.ts';
import { matchesNode } from '@drydock/api/selectors/node-selector.ts';
import { tolerates } from '@drydock/api/selectors/taints.ts';
import { nodeAffinitySize } from './matching.ts';
import type { NodeInfo } from './node-info.ts';
import { sizeOf } from './pod-terms.ts';

export interface SpreadConstraint {
  readonly maxSkew: number;
  readonly topologyKey: string;
  readonly selector: LabelSelector | undefined;
  readonly minDomains: number;
  readonly honorsAffinity: boolean;
  readonly honorsTaints: boolean;
  readonly size: number;
}

export type SpreadAction = 'DoNotSchedule' | 'ScheduleAnyway';

/** A constraint of the configuration: whose pods are counted is found for each pod. */
export type DefaultConstraint = Pick<TopologySpreadConstraint, 'maxSkew' | 'topologyKey' | 'whenUnsatisfiable'>;

/** Those that have the effect, of a pod that has any of its own. */
export function ownConstraints({ spec, metadata }: Pod, action: SpreadAction): SpreadConstraint[] {
  return (spec?.topologySpreadConstraints ?? [])
    .filter(({ whenUnsatisfiable }) => whenUnsatisfiable === action)
    .map((constraint) => constraintOf(constraint, selectorOf(constraint, metadata?.labels ?? {})));
}

export function defaultedConstraints(
  constraints: readonly DefaultConstraint[],
  selector: LabelSelector | undefined,
  action: SpreadAction,
): SpreadConstraint[] {
  if (selector === undefined) return [];
  return constraints
    .filter(({ whenUnsatisfiable }) => whenUnsatisfiable === action)
    .map((constraint) => constraintOf(constraint, selector));
}

function constraintOf(constraint: TopologySpreadConstraint, selector: LabelSelector | undefined): SpreadConstraint {
  const { maxSkew, topologyKey, minDomains, nodeAffinityPolicy, nodeTaintsPolicy } = constraint;
  return {
    maxSkew,
    topologyKey,
    selector,
    minDomains: minDomains ?? 1,
    honorsAffinity: nodeAffinityPolicy !== 'Ignore',
    honorsTaints: nodeTaintsPolicy === 'Honor',
    size: sizeOf(selector),
  };
}

/** With what `matchLabelKeys` says of the pod; the apiserver has written that into the selector of newer pods. */
function selectorOf({ labelSelector, matchLabelKeys = [] }: TopologySpreadConstraint, labels: Record<string, string>) {
  const also = requirementsOf(matchLabelKeys, 'In', labels);
  if (labelSelector === undefined || also.length === 0) return labelSelector;
  return { ...labelSelector, matchExpressions: [...(labelSelector.matchExpressions ?? []), ...also] };
}

/** Whether pods of the node, and its domain, count for the constraint. */
export function counts({ honorsAffinity, honorsTaints }: SpreadConstraint, pod: Pod, node: Node): boolean {
  if (honorsAffinity && pod.spec !== undefined && !matchesNode(pod.spec, node)) return false;
  if (!honorsTaints) return true;
  const hard = (node.spec?.taints ?? []).filter(({ effect }) => effect !== 'PreferNoSchedule');
  return hard.every((taint) => tolerates(pod.spec?.tolerations ?? [], taint));
}

/** How many comparisons it takes at most to say whether a node counts for a constraint of the pod. */
export function costPerNode({ spec }: Pod): number {
  return 1 + (spec === undefined ? 0 : nodeAffinitySize(spec)) + (spec?.tolerations?.length ?? 0);
}

/** How many comparisons it takes to match a pod with all constraints that a pod has, at most. */
export function spreadSizeOf({ spec }: Pod): number {
  return (spec?.topologySpreadConstraints ?? []).reduce((sum, { labelSelector }) => sum + sizeOf(labelSelector), 0);
}

export function hasAllKeys(constraints: readonly SpreadConstraint[], { labels }: NodeInfo): boolean {
  return constraints.every(({ topologyKey }) => ownField(labels, topologyKey) !== undefined);
}

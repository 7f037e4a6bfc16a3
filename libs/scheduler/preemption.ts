// Preemption: when a pod fits nowhere, whether evicting pods of lower priority from some node would make room.
// https://kubernetes.io/docs/concepts/scheduling-eviction/pod-priority-preemption/
import type { PodDisruptionBudget } from '@drydock/api/generated/types.ts';
import { matchesSelector } from '@drydock/api/selectors/label-selector.ts';
import { parseTime } from '@drydock/foundation/clock.ts';
import type { Cluster } from './cluster.ts';
import type { Cycle } from './cycle.ts';
import { countReasons } from './fit-error.ts';
import type { Rejection } from './framework.ts';
import { comparisonsMax, tooManyComparisons } from './matching.ts';
import type { NodeInfo, PodInfo } from './node-info.ts';

export type PreemptionPlan =
  | { readonly kind: 'preempt'; readonly node: string; readonly victims: readonly PodInfo[] }
  /** `waiting`: the pod may not preempt (now); what it is nominated for stays. */
  | { readonly kind: 'none'; readonly message: string; readonly waiting: boolean };

interface Candidate {
  readonly node: string;
  readonly victims: readonly PodInfo[];
  readonly violations: number;
}

/** Of the condition DisruptionTarget, of pods that a scheduler evicts. */
export const preemptionReason = 'PreemptionByScheduler';

/** Nodes of which it is enough to know whose eviction would make room (upstream: minCandidateNodes{Absolute,Percentage}). */
const candidatesMin = 100;
const candidatesPercent = 10;

/** What upstream's DynamicResources plugin always adds where it has nothing to free. */
const noClaims = 'no new claims to deallocate';

export function priorityOf(info: PodInfo): number {
  return info.pod.spec?.priority ?? 0;
}

/**
 * Chooses a node and its victims, or says why none helps, in the words that end a FailedScheduling event.
 * @param cycle that in which no node was found.
 * @param pick of a large cluster, where the search begins.
 */
export function planPreemption(
  pod: PodInfo,
  nominatedNode: string | undefined,
  cluster: Cluster,
  rejections: ReadonlyMap<string, Rejection>,
  cycle: Cycle,
  budgets: readonly PodDisruptionBudget[],
  pick: (count: number) => number = () => 0,
): PreemptionPlan {
  const { nodes } = cluster;
  const refusal = notEligible(pod, nominatedNode, nodes, rejections);
  if (refusal !== undefined) return { kind: 'none', message: `${noClaims}, preemption: ${refusal}`, waiting: true };
  const helpful = nodes.filter((node) => rejections.get(node.name)?.unresolvable === false);
  const reasons: { reasons: readonly string[] }[] = Array.from({ length: nodes.length - helpful.length }, () => ({
    reasons: ['Preemption is not helpful for scheduling'],
  }));
  const wanted = Math.max(candidatesMin, Math.floor((helpful.length * candidatesPercent) / 100));
  const startAt = helpful.length > candidatesMin ? pick(helpful.length) : 0;
  const candidates: Candidate[] = [];
  let spent = 0;
  for (const node of [...helpful.slice(startAt), ...helpful.slice(0, startAt)]) {
    // Enough, and one of them keeps to the budgets.
    if (candidates.length >= wanted && candidates.some(({ violations }) => violations === 0)) break;
    const lower = [...node.pods.values()].filter((other) => priorityOf(other) < priorityOf(pod));
    // Taken away, put back, and taken away again.
    spent += lower.reduce((sum, other) => sum + 3 * cycle.cost(other), 0);
    const outcome =
      spent > comparisonsMax
        ? { reasons: [tooManyComparisons] }
        : victimsOn(node, lower, cycle.clone(), cluster.nominated(node.name), budgets);
    if ('reasons' in outcome) reasons.push(outcome);
    else candidates.push(outcome);
  }
  const best = candidates.sort(compareCandidates)[0];
  if (best !== undefined) return { kind: 'preempt', node: best.node, victims: best.victims };
  return {
    kind: 'none',
    message: `${noClaims}, preemption: 0/${nodes.length} nodes are available: ${countReasons(reasons)}.`,
    waiting: false,
  };
}

function notEligible(
  pod: PodInfo,
  nominatedNode: string | undefined,
  nodes: readonly NodeInfo[],
  rejections: ReadonlyMap<string, Rejection>,
): string | undefined {
  if (pod.pod.spec?.preemptionPolicy === 'Never') return 'not eligible due to preemptionPolicy=Never.';
  const nominated = nodes.find((node) => node.name === nominatedNode);
  if (nominated === undefined || rejections.get(nominated.name)?.unresolvable === true) return undefined;
  const leaving = [...nominated.pods.values()].some((other) => isPreempted(other) && priorityOf(other) < priorityOf(pod));
  return leaving ? 'not eligible due to a terminating pod on the nominated node.' : undefined;
}

/** Whether the pod is ending because a scheduler took its place for another: of others that end nobody knows when. */
function isPreempted({ pod: { metadata, status } }: PodInfo): boolean {
  const target = status?.conditions?.find(({ type }) => type === 'DisruptionTarget');
  return metadata?.deletionTimestamp !== undefined && target?.status === 'True' && target.reason === preemptionReason;
}

/** The fewest pods that must go: all of `lower` priority are taken away, then put back one by one where they still fit. */
function victimsOn(
  node: NodeInfo,
  lower: PodInfo[],
  cycle: Cycle,
  nominated: readonly PodInfo[],
  budgets: readonly PodDisruptionBudget[],
): Candidate | { reasons: readonly string[] } {
  if (lower.length === 0) return { reasons: ['No preemption victims found for incoming pod'] };
  const trial = node.clone();
  for (const other of lower) cycle.remove(other, trial);
  const rejection = cycle.rejection(trial, nominated);
  if (rejection !== undefined) return rejection;
  const { violating, free } = splitByBudget(lower.sort(moreImportantFirst), budgets);
  const victims: PodInfo[] = [];
  let violations = 0;
  for (const other of [...violating, ...free]) {
    cycle.add(other, trial);
    if (cycle.rejection(trial, nominated) === undefined) continue;
    cycle.remove(other, trial);
    victims.push(other);
    if (violating.includes(other)) violations++;
  }
  return { node: node.name, victims, violations };
}

function splitByBudget(pods: readonly PodInfo[], budgets: readonly PodDisruptionBudget[]) {
  const left = new Map(budgets.map((budget) => [budget, budget.status?.disruptionsAllowed ?? 0]));
  const violating: PodInfo[] = [];
  const free: PodInfo[] = [];
  for (const info of pods) {
    const labels = info.pod.metadata?.labels ?? {};
    let violates = false;
    for (const budget of budgets) {
      if (budget.metadata?.namespace !== info.pod.metadata?.namespace) continue;
      if (Object.keys(labels).length === 0 || !matchesSelector(budget.spec?.selector, labels)) continue;
      if (budget.status?.disruptedPods?.[info.pod.metadata?.name ?? ''] !== undefined) continue;
      const allowed = (left.get(budget) ?? 0) - 1;
      left.set(budget, allowed);
      if (allowed < 0) violates = true;
    }
    (violates ? violating : free).push(info);
  }
  return { violating, free };
}

function startedMs(info: PodInfo): number {
  return parseTime(info.pod.status?.startTime) ?? Number.MAX_SAFE_INTEGER;
}

function moreImportantFirst(a: PodInfo, b: PodInfo): number {
  return priorityOf(b) - priorityOf(a) || startedMs(a) - startedMs(b);
}

/** Upstream's order of preference: budgets kept, lowest top priority, lowest sum, fewest victims, youngest top victim. */
function compareCandidates(a: Candidate, b: Candidate): number {
  const top = (candidate: Candidate) => Math.max(...candidate.victims.map(priorityOf));
  const sum = (candidate: Candidate) => candidate.victims.reduce((total, info) => total + priorityOf(info) + 2 ** 31, 0);
  const earliestTop = (candidate: Candidate) =>
    Math.min(...candidate.victims.filter((info) => priorityOf(info) === top(candidate)).map(startedMs));
  return (
    a.violations - b.violations ||
    top(a) - top(b) ||
    sum(a) - sum(b) ||
    a.victims.length - b.victims.length ||
    earliestTop(b) - earliestTop(a)
  );
}

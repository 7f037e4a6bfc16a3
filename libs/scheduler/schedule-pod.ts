// The scheduling cycle for one pod: filter, score, choose. Pure: the same snapshot and random stream give the same node.
import type { RandomStream } from '@drydock/foundation/random.ts';
import type { Profile, Rejection, ScorePlugin } from './framework.ts';
import type { NodeInfo, PodInfo } from './node-info.ts';

export type ScheduleResult =
  | { readonly kind: 'fits'; readonly node: string; readonly evaluated: number; readonly feasible: number }
  | {
      readonly kind: 'unfit';
      readonly rejections: ReadonlyMap<string, Rejection>;
      readonly nodes: number;
      /** Why no node can help, where that was clear before any was looked at. */
      readonly why?: string;
    };

/** Below this many nodes all are looked at (upstream: minFeasibleNodesToFind). */
const feasibleNodesMin = 100;
/** At least this share of a large cluster, in percent. */
const feasiblePercentMin = 5;

/**
 * How many fitting nodes are enough to choose from, in a cluster of `total` nodes (upstream: numFeasibleNodesToFind).
 * `percentage` 0: between 50 and 5 percent, less for larger clusters.
 */
export function feasibleNodesWanted(total: number, percentage = 0): number {
  if (total < feasibleNodesMin) return total;
  const percent = percentage > 0 ? percentage : Math.max(feasiblePercentMin, 50 - Math.floor(total / 125));
  return Math.max(feasibleNodesMin, Math.floor((total * percent) / 100));
}

/** Looks for a node for `pod`; `startAt` rotates where the search begins, so that large clusters fill evenly. */
export function schedulePod(
  pod: PodInfo,
  nodes: readonly NodeInfo[],
  profile: Profile,
  random: RandomStream,
  startAt = 0,
): ScheduleResult {
  const rejections = new Map<string, Rejection>();
  const candidates = preFilter(pod, nodes, profile, rejections);
  if (typeof candidates === 'string') return { kind: 'unfit', rejections, nodes: nodes.length, why: candidates };
  const wanted = feasibleNodesWanted(candidates.length, profile.percentageOfNodesToScore);
  const feasible: NodeInfo[] = [];
  let evaluated = 0;
  for (let i = 0; i < candidates.length && feasible.length < wanted; i++) {
    const node = candidates[(startAt + i) % candidates.length];
    if (node === undefined) continue;
    evaluated++;
    const rejection = firstRejection(pod, node, profile);
    if (rejection === undefined) feasible.push(node);
    else rejections.set(node.name, rejection);
  }
  if (feasible.length === 0) return { kind: 'unfit', rejections, nodes: nodes.length };
  const chosen = choose(pod, feasible, profile.scores, random);
  return { kind: 'fits', node: chosen.name, evaluated, feasible: feasible.length };
}

/** The first filter that rejects the pair, in the profile's order. */
export function firstRejection(pod: PodInfo, node: NodeInfo, profile: Profile): Rejection | undefined {
  for (const plugin of profile.filters) {
    const rejection = plugin.filter(pod, node);
    if (rejection !== undefined) return rejection;
  }
  return undefined;
}

function preFilter(
  pod: PodInfo,
  nodes: readonly NodeInfo[],
  profile: Profile,
  rejections: Map<string, Rejection>,
): readonly NodeInfo[] | string {
  let candidates = nodes;
  for (const plugin of profile.filters) {
    const names = plugin.preFilter?.(pod);
    if (names === undefined) continue;
    if ('unschedulable' in names) {
      for (const node of nodes)
        rejections.set(node.name, { plugin: plugin.name, reasons: [names.unschedulable], unresolvable: true });
      return names.unschedulable;
    }
    for (const node of candidates) {
      if (names.has(node.name)) continue;
      const reasons = [`node(s) didn't satisfy plugin(s) [${plugin.name}]`];
      rejections.set(node.name, { plugin: plugin.name, reasons, unresolvable: true });
    }
    candidates = candidates.filter((node) => names.has(node.name));
  }
  return candidates;
}

/** The best total; among equals a random one. */
function choose(pod: PodInfo, feasible: readonly NodeInfo[], plugins: readonly ScorePlugin[], random: RandomStream): NodeInfo {
  const totals = totalScores(pod, feasible, plugins);
  const best = Math.max(...totals);
  const ties = feasible.filter((_, i) => totals[i] === best);
  const chosen = ties[ties.length === 1 ? 0 : random.int(ties.length)];
  if (chosen === undefined) throw new RangeError('no node to choose from');
  return chosen;
}

/** The weighted sum of all scores, by node. */
export function totalScores(pod: PodInfo, nodes: readonly NodeInfo[], plugins: readonly ScorePlugin[]): number[] {
  const totals = nodes.map(() => 0);
  for (const plugin of plugins) {
    if (plugin.applies !== undefined && !plugin.applies(pod)) continue;
    const raw = nodes.map((node) => plugin.score(pod, node));
    const scores = plugin.normalize?.(raw) ?? raw;
    scores.forEach((score, i) => {
      totals[i] = (totals[i] ?? 0) + plugin.weight * score;
    });
  }
  return totals;
}

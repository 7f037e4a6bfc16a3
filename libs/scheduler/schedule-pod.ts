// The scheduling cycle for one pod: filter, score, choose. Pure: the same snapshot and random stream give the same node.
import type { RandomStream } from '@drydock/foundation/random.ts';
import type { Cluster } from './cluster.ts';
import { Cycle } from './cycle.ts';
import type { Profile, Rejection, WeightedScore } from './framework.ts';
import type { NodeInfo, PodInfo } from './node-info.ts';

export type ScheduleResult =
  | { readonly kind: 'fits'; readonly node: string; readonly evaluated: number; readonly feasible: number }
  | {
      readonly kind: 'unfit';
      readonly rejections: ReadonlyMap<string, Rejection>;
      readonly nodes: number;
      /** Why no node can help, where that was clear before any was looked at. */
      readonly why?: string;
      /** What the filters found, where any node was looked at. */
      readonly cycle: Cycle | undefined;
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

/**
 * Looks for a node for `pod`.
 * @param startAt rotates where the search begins, so that large clusters fill evenly.
 * @param only the name of the one node that is looked at.
 */
export function schedulePod(
  pod: PodInfo,
  cluster: Cluster,
  profile: Profile,
  random: RandomStream,
  startAt = 0,
  only?: string,
): ScheduleResult {
  const { nodes } = cluster;
  const rejections = new Map<string, Rejection>();
  const cycle = Cycle.begin(pod, cluster, profile);
  if (!(cycle instanceof Cycle)) {
    for (const node of nodes) rejections.set(node.name, cycle);
    return { kind: 'unfit', rejections, nodes: nodes.length, why: cycle.reasons.join(', '), cycle: undefined };
  }
  const candidates = nodes.filter((node) => {
    if (only !== undefined && node.name !== only) return false;
    const rejection = cycle.excludes(node);
    if (rejection !== undefined) rejections.set(node.name, rejection);
    return rejection === undefined;
  });
  const wanted = feasibleNodesWanted(candidates.length, profile.percentageOfNodesToScore);
  const feasible: NodeInfo[] = [];
  let evaluated = 0;
  for (let i = 0; i < candidates.length && feasible.length < wanted; i++) {
    const node = candidates[(startAt + i) % candidates.length];
    if (node === undefined) continue;
    evaluated++;
    const rejection = cycle.rejection(node, cluster.nominated(node.name));
    if (rejection === undefined) feasible.push(node);
    else rejections.set(node.name, rejection);
  }
  if (feasible.length === 0) return { kind: 'unfit', rejections, nodes: nodes.length, cycle };
  const chosen = choose(pod, cluster, feasible, profile.scores, random);
  return { kind: 'fits', node: chosen.name, evaluated, feasible: feasible.length };
}

/** The best total; among equals a random one. */
function choose(
  pod: PodInfo,
  cluster: Cluster,
  feasible: readonly NodeInfo[],
  plugins: readonly WeightedScore[],
  random: RandomStream,
): NodeInfo {
  const [only] = feasible;
  if (feasible.length === 1 && only !== undefined) return only;
  const totals = totalScores(pod, cluster, feasible, plugins);
  const best = Math.max(...totals);
  const ties = feasible.filter((_, i) => totals[i] === best);
  const chosen = ties[ties.length === 1 ? 0 : random.int(ties.length)];
  if (chosen === undefined) throw new RangeError('no node to choose from');
  return chosen;
}

/** The weighted sum of all scores, by node. */
export function totalScores(
  pod: PodInfo,
  cluster: Cluster,
  nodes: readonly NodeInfo[],
  plugins: readonly WeightedScore[],
): number[] {
  const totals = nodes.map(() => 0);
  for (const { plugin, weight } of plugins) {
    const begun = plugin.begin(pod, cluster, nodes);
    if (begun === undefined) continue;
    const raw = nodes.map((node) => begun.score(node));
    const scores = begun.normalize?.(raw, nodes) ?? raw;
    scores.forEach((score, i) => {
      totals[i] = (totals[i] ?? 0) + weight * score;
    });
  }
  return totals;
}

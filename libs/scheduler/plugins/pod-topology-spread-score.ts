// PodTopologySpread, the score: constraints that may be broken draw pods to the domains that have the fewest.
import { ownField } from '@drydock/api/json.ts';
import { matchesSelector } from '@drydock/api/selectors/label-selector.ts';
import type { Cluster } from '../cluster.ts';
import { maxNodeScore, type ScorePlugin } from '../framework.ts';
import { areAffordable, nodesOf } from '../matching.ts';
import type { NodeInfo, PodInfo } from '../node-info.ts';
import { costPerNode, counts, hasAllKeys, type SpreadConstraint } from '../spread-constraints.ts';
import type { WorkloadsKnown } from '../workloads-known.ts';
import { constraintsOf, type PodTopologySpreadArgs } from './pod-topology-spread.ts';

const hostname = 'kubernetes.io/hostname';

export function podTopologySpreadScore(args: PodTopologySpreadArgs, workloads: WorkloadsKnown): ScorePlugin {
  return {
    name: 'PodTopologySpread',
    begin(pod, cluster, feasible) {
      const constraints = constraintsOf(pod, 'ScheduleAnyway', args, workloads);
      const { namespace = '' } = pod.pod.metadata ?? {};
      // A wish that costs too much is not heard.
      if (
        constraints.length === 0 ||
        !areAffordable(
          constraints.map(({ size }) => size),
          costPerNode(pod.pod),
          namespace,
          cluster,
        )
      )
        return undefined;
      const hasOwn = (pod.pod.spec?.topologySpreadConstraints ?? []).length > 0;
      const needsAll = hasOwn || !args.isSystem;
      const isLeftOut = (node: NodeInfo): boolean => needsAll && !hasAllKeys(constraints, node);
      const scored = feasible.filter((node) => !isLeftOut(node));
      const terms = constraints.map((constraint) => scoreOf(constraint, pod, cluster, scored, isLeftOut));
      return {
        score: (node) => (isLeftOut(node) ? 0 : Math.round(terms.reduce((sum, term) => sum + term(node), 0))),
        normalize(scores, nodes) {
          const kept = scores.filter((_, i) => !isLeftOut(nodes[i] as NodeInfo));
          const [min, max] = [Math.min(...kept), Math.max(0, ...kept)];
          return scores.map((score, i) => {
            if (isLeftOut(nodes[i] as NodeInfo)) return 0;
            return max === 0 ? maxNodeScore : Math.floor((maxNodeScore * (max + min - score)) / max);
          });
        },
      };
    },
  };
}

/** What one constraint adds to a node's score: the pods of its domain, each weighing more the more domains there are. */
function scoreOf(
  { topologyKey, selector, maxSkew, ...constraint }: SpreadConstraint,
  { pod }: PodInfo,
  cluster: Cluster,
  scored: readonly NodeInfo[],
  isLeftOut: (node: NodeInfo) => boolean,
): (node: NodeInfo) => number {
  const isHost = topologyKey === hostname;
  const domainOf = (node: NodeInfo): string => (isHost ? node.name : (ownField(node.labels, topologyKey) ?? ''));
  const domains = new Map(scored.map((node) => [domainOf(node), 0]));
  const full = { topologyKey, selector, maxSkew, ...constraint };
  for (const group of cluster.pods.groups(pod.metadata?.namespace ?? '')) {
    if (group.terminating || !matchesSelector(selector, group.labels)) continue;
    for (const [node, count] of nodesOf(group.nodes, cluster)) {
      const domain = domainOf(node);
      const before = domains.get(domain);
      if (before === undefined || isLeftOut(node) || (!isHost && !counts(full, pod, node.node))) continue;
      domains.set(domain, before + count);
    }
  }
  const weight = Math.log((isHost ? scored.length : domains.size) + 2);
  return (node) =>
    ownField(node.labels, topologyKey) === undefined ? 0 : (domains.get(domainOf(node)) ?? 0) * weight + maxSkew - 1;
}

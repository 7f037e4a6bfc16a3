// InterPodAffinity, the score: what the pod prefers to be near to or away from, and what placed pods prefer of it.
import type { Cluster } from '../cluster.ts';
import { maxNodeScore, type ScorePlugin } from '../framework.ts';
import { groupsMatching, isAffordable, nodesOf } from '../matching.ts';
import type { PodInfo } from '../node-info.ts';
import { matchesPod } from '../pod-terms.ts';
import { TopologyCounts } from '../topology-counts.ts';

export interface InterPodAffinityArgs {
  /** What a placed pod's required affinity to this pod weighs, 0 to 100. */
  readonly hardPodAffinityWeight: number;
  readonly ignorePreferredTermsOfExistingPods: boolean;
}

export const defaultInterPodAffinityArgs: InterPodAffinityArgs = {
  hardPodAffinityWeight: 1,
  ignorePreferredTermsOfExistingPods: false,
};

export function interPodAffinityScore(args: InterPodAffinityArgs): ScorePlugin {
  return {
    name: 'InterPodAffinity',
    begin(pod, cluster) {
      const counts = weigh(pod, cluster, args);
      if (counts.isEmpty) return undefined;
      const keys = [...counts.keys()];
      return {
        score: (node) => keys.reduce((sum, key) => sum + counts.at(key, node.labels), 0),
        normalize(scores) {
          const [min, max] = [Math.min(...scores), Math.max(...scores)];
          return scores.map((score) => (max === min ? 0 : Math.floor(maxNodeScore * ((score - min) / (max - min)))));
        },
      };
    },
  };
}

function weigh(pod: PodInfo, cluster: Cluster, args: InterPodAffinityArgs): TopologyCounts {
  const counts = new TopologyCounts();
  const add = (perNode: ReadonlyMap<string, number>, key: string, weight: number) => {
    for (const [node, count] of nodesOf(perNode, cluster)) counts.add(key, node.labels, weight * count);
  };
  const { namespace = '' } = pod.pod.metadata ?? {};
  const preferred = pod.terms?.preferred ?? [];
  // A wish that costs too much is not heard.
  if (isAffordable(preferred, cluster))
    for (const term of preferred)
      for (const group of groupsMatching(term, cluster)) add(group.nodes, term.topologyKey, term.weight);
  const matches = (term: Parameters<typeof matchesPod>[0]) => matchesPod(term, pod.pod, cluster.namespaceLabels);
  if (args.hardPodAffinityWeight > 0)
    for (const { term, nodes } of cluster.pods.affinity(namespace))
      if (matches(term)) add(nodes, term.topologyKey, args.hardPodAffinityWeight);
  if (!args.ignorePreferredTermsOfExistingPods)
    for (const { term, nodes } of cluster.pods.preferred(namespace))
      if (matches(term)) add(nodes, term.topologyKey, term.weight);
  return counts;
}

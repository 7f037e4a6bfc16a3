// NodeResourcesBalancedAllocation: prefers nodes on which cpu and memory would be used in like measure.
import { maxNodeScore, type ScorePlugin } from '../framework.ts';

const scoredResources = ['cpu', 'memory'] as const;

export const balancedAllocation: ScorePlugin = {
  name: 'NodeResourcesBalancedAllocation',
  begin(pod) {
    // A pod that asks for nothing would only ever be drawn to nodes that are unbalanced already.
    if (scoredResources.every((name) => (pod.requests.get(name) ?? 0) === 0)) return undefined;
    return {
      score(node) {
        const fractions = scoredResources.flatMap((name) => {
          const allocatable = node.allocatable.get(name) ?? 0;
          if (allocatable === 0) return [];
          return [Math.min(1, ((node.requested.get(name) ?? 0) + (pod.requests.get(name) ?? 0)) / allocatable)];
        });
        const [a = 0, b = a] = fractions;
        // The standard deviation of two values is half their distance.
        return Math.floor((1 - Math.abs(a - b) / 2) * maxNodeScore);
      },
    };
  },
};

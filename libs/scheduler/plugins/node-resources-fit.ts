// NodeResourcesFit: the sum of requests must not exceed what is allocatable; emptier nodes score higher (LeastAllocated).
import { type FilterPlugin, maxNodeScore, type ScorePlugin } from '../framework.ts';

export const nodeResourcesFit: FilterPlugin = {
  name: 'NodeResourcesFit',
  wakesOn: ['nodeAdded', 'nodeAllocatable', 'assignedPodDeleted', 'assignedPodScaledDown', 'podUpdated'],
  filter(pod, node) {
    const reasons: string[] = [];
    let unresolvable = false;
    const podsMax = node.allocatable.get('pods') ?? 0;
    if (node.pods.size + 1 > podsMax) reasons.push('Too many pods');
    for (const [name, amount] of pod.requests) {
      if (amount === 0) continue;
      const allocatable = node.allocatable.get(name) ?? 0;
      if (amount <= allocatable - (node.requested.get(name) ?? 0)) continue;
      reasons.push(`Insufficient ${name}`);
      if (amount > allocatable) unresolvable = true;
    }
    return reasons.length === 0 ? undefined : { plugin: this.name, reasons, unresolvable };
  },
};

const scoredResources = ['cpu', 'memory'] as const;

export const leastAllocated: ScorePlugin = {
  name: 'NodeResourcesFit',
  weight: 1,
  score(pod, node) {
    let sum = 0;
    let counted = 0;
    for (const name of scoredResources) {
      const allocatable = node.allocatable.get(name) ?? 0;
      if (allocatable === 0) continue;
      const requested = (node.nonZeroRequested.get(name) ?? 0) + (pod.nonZero.get(name) ?? 0);
      sum += requested > allocatable ? 0 : Math.floor(((allocatable - requested) * maxNodeScore) / allocatable);
      counted++;
    }
    return counted === 0 ? 0 : Math.floor(sum / counted);
  },
};

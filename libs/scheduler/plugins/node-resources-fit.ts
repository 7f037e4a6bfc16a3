// NodeResourcesFit: the sum of requests must not exceed what is allocatable; emptier nodes score higher (LeastAllocated).
import { type FilterPlugin, maxNodeScore, type Rejection, type ScorePlugin } from '../framework.ts';
import { comparisonsMax, tooManyComparisons } from '../matching.ts';
import type { NodeInfo, PodInfo } from '../node-info.ts';

const name = 'NodeResourcesFit';
/** Resources of one node that are named as lacking: a pod may ask for thousands that nobody has. */
const reasonsMax = 100;

export const nodeResourcesFit: FilterPlugin = {
  name,
  begin: (pod, { nodes }) =>
    pod.requests.size * nodes.length > comparisonsMax
      ? { unschedulable: tooManyComparisons }
      : { filter: (node) => lack(pod, node) },
  helps: ({ kind }) => kind === 'nodeAdded' || kind === 'nodeAllocatable' || kind === 'podGone' || kind === 'podScaledDown',
};

function lack(pod: PodInfo, node: NodeInfo): Rejection | undefined {
  const reasons: string[] = [];
  let unresolvable = false;
  const podsMax = node.allocatable.get('pods') ?? 0;
  if (node.pods.size + 1 > podsMax) reasons.push('Too many pods');
  for (const [resource, amount] of pod.requests) {
    if (amount === 0) continue;
    const allocatable = node.allocatable.get(resource) ?? 0;
    if (amount <= allocatable - (node.requested.get(resource) ?? 0)) continue;
    if (reasons.length < reasonsMax) reasons.push(`Insufficient ${resource}`);
    if (amount > allocatable) unresolvable = true;
  }
  return reasons.length === 0 ? undefined : { plugin: name, reasons, unresolvable };
}

const scoredResources = ['cpu', 'memory'] as const;

export const leastAllocated: ScorePlugin = {
  name,
  begin: (pod) => ({
    score(node) {
      let sum = 0;
      let counted = 0;
      for (const resource of scoredResources) {
        const allocatable = node.allocatable.get(resource) ?? 0;
        if (allocatable === 0) continue;
        const requested = (node.nonZeroRequested.get(resource) ?? 0) + (pod.nonZero.get(resource) ?? 0);
        sum += requested > allocatable ? 0 : Math.floor(((allocatable - requested) * maxNodeScore) / allocatable);
        counted++;
      }
      return counted === 0 ? 0 : Math.floor(sum / counted);
    },
  }),
};

// TaintToleration: hard taints reject, PreferNoSchedule taints that are not tolerated count against a node.
import type { Node } from '@drydock/api/generated/types.ts';
import { tolerates } from '@drydock/api/selectors/taints.ts';
import { type FilterPlugin, normalizeScores, type ScorePlugin } from '../framework.ts';
import { comparisonsMax, tooManyComparisons } from '../matching.ts';
import type { PodInfo } from '../node-info.ts';

const name = 'TaintToleration';
/** Up to so many it is not counted what they may cost. */
const tolerationsUsual = 100;

function toleratesHard({ pod }: PodInfo, { spec }: Node): boolean {
  const hard = (spec?.taints ?? []).filter((taint) => taint.effect !== 'PreferNoSchedule');
  return hard.every((taint) => tolerates(pod.spec?.tolerations ?? [], taint));
}

export const taintTolerationFilter: FilterPlugin = {
  name,
  begin(pod, { nodes }) {
    const { length } = pod.pod.spec?.tolerations ?? [];
    const taints = () => nodes.reduce((sum, { node }) => sum + (node.spec?.taints?.length ?? 0), 0);
    if (length > tolerationsUsual && length * taints() > comparisonsMax) return { unschedulable: tooManyComparisons };
    return {
      filter: ({ node }) =>
        toleratesHard(pod, node)
          ? undefined
          : { plugin: name, reasons: ['node(s) had untolerated taint(s)'], unresolvable: true },
    };
  },
  helps: (event, pod) => (event.kind === 'nodeAdded' || event.kind === 'nodeTaints') && toleratesHard(pod, event.node),
};

export const taintTolerationScore: ScorePlugin = {
  name,
  begin({ pod }) {
    const tolerations = (pod.spec?.tolerations ?? []).filter(
      (toleration) => !toleration.effect || toleration.effect === 'PreferNoSchedule',
    );
    return {
      score({ node }) {
        const soft = (node.spec?.taints ?? []).filter((taint) => taint.effect === 'PreferNoSchedule');
        return soft.filter((taint) => !tolerates(tolerations, taint)).length;
      },
      normalize: (scores) => normalizeScores(scores, true),
    };
  },
};

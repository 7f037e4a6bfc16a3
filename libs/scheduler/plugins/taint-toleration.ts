// TaintToleration: hard taints reject, PreferNoSchedule taints that are not tolerated count against a node.

import { tolerates } from '@drydock/api/selectors/taints.ts';
import { type FilterPlugin, normalizeScores, type ScorePlugin } from '../framework.ts';

export const taintTolerationFilter: FilterPlugin = {
  name: 'TaintToleration',
  wakesOn: ['nodeAdded', 'nodeTaints', 'podUpdated'],
  filter(pod, node) {
    const tolerations = pod.pod.spec?.tolerations ?? [];
    const hard = (node.node.spec?.taints ?? []).filter((taint) => taint.effect !== 'PreferNoSchedule');
    if (hard.every((taint) => tolerates(tolerations, taint))) return undefined;
    return { plugin: this.name, reasons: ['node(s) had untolerated taint(s)'], unresolvable: true };
  },
};

export const taintTolerationScore: ScorePlugin = {
  name: 'TaintToleration',
  weight: 3,
  score(pod, node) {
    const tolerations = (pod.pod.spec?.tolerations ?? []).filter(
      (toleration) => !toleration.effect || toleration.effect === 'PreferNoSchedule',
    );
    const soft = (node.node.spec?.taints ?? []).filter((taint) => taint.effect === 'PreferNoSchedule');
    return soft.filter((taint) => !tolerates(tolerations, taint)).length;
  },
  normalize: (scores) => normalizeScores(scores, true),
};

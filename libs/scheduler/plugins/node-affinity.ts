// NodeAffinity: nodeSelector, required terms as a filter, preferred terms as a score.

import { matchesNode, matchesTerm, pinnedNodes } from '@drydock/api/selectors/node-selector.ts';
import { type FilterPlugin, normalizeScores, type ScorePlugin } from '../framework.ts';

export const nodeAffinityFilter: FilterPlugin = {
  name: 'NodeAffinity',
  wakesOn: ['nodeAdded', 'nodeLabels'],
  preFilter: (pod) => (pod.pod.spec === undefined ? undefined : pinnedNodes(pod.pod.spec)),
  filter(pod, node) {
    if (pod.pod.spec === undefined || matchesNode(pod.pod.spec, node.node)) return undefined;
    return { plugin: this.name, reasons: ["node(s) didn't match Pod's node affinity/selector"], unresolvable: true };
  },
};

export const nodeAffinityScore: ScorePlugin = {
  name: 'NodeAffinity',
  weight: 2,
  applies: (pod) => preferredTerms(pod).length > 0,
  score(pod, node) {
    return preferredTerms(pod)
      .filter((term) => matchesTerm(term.preference, node.node))
      .reduce((sum, term) => sum + term.weight, 0);
  },
  normalize: (scores) => normalizeScores(scores, false),
};

function preferredTerms(pod: Parameters<ScorePlugin['score']>[0]) {
  return pod.pod.spec?.affinity?.nodeAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? [];
}

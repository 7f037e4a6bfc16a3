// NodeAffinity: nodeSelector, required terms as a filter, preferred terms as a score.
import { matchesNode, matchesTerm, pinnedNodes } from '@drydock/api/selectors/node-selector.ts';
import { type FilterPlugin, normalizeScores, type ScorePlugin } from '../framework.ts';

const name = 'NodeAffinity';

export const nodeAffinityFilter: FilterPlugin = {
  name,
  begin({ pod: { spec } }) {
    const required = spec?.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
    if (spec === undefined || (spec.nodeSelector === undefined && required === undefined)) return undefined;
    const only = pinnedNodes(spec);
    return {
      ...(only === undefined ? {} : { only }),
      filter: ({ node }) =>
        matchesNode(spec, node)
          ? undefined
          : { plugin: name, reasons: ["node(s) didn't match Pod's node affinity/selector"], unresolvable: true },
    };
  },
  helps: (event, { pod: { spec } }) =>
    (event.kind === 'nodeAdded' || event.kind === 'nodeLabels') && spec !== undefined && matchesNode(spec, event.node),
};

export const nodeAffinityScore: ScorePlugin = {
  name,
  begin({ pod }) {
    const terms = pod.spec?.affinity?.nodeAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? [];
    if (terms.length === 0) return undefined;
    return {
      score: ({ node }) =>
        terms.filter(({ preference }) => matchesTerm(preference, node)).reduce((sum, { weight }) => sum + weight, 0),
      normalize: (scores) => normalizeScores(scores, false),
    };
  },
};

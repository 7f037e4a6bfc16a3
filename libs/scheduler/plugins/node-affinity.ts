// NodeAffinity: nodeSelector, required terms as a filter, preferred terms as a score.
import { matchesNode, matchesTerm, pinnedNodes } from '@drydock/api/selectors/node-selector.ts';
import { type FilterPlugin, normalizeScores, type ScorePlugin } from '../framework.ts';
import { comparisonsMax, nodeAffinitySize, sizeOfNodeTerm, tooManyComparisons } from '../matching.ts';

const name = 'NodeAffinity';

export const nodeAffinityFilter: FilterPlugin = {
  name,
  begin({ pod: { spec } }, { nodes }) {
    const required = spec?.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
    if (spec === undefined || (spec.nodeSelector === undefined && required === undefined)) return undefined;
    const only = pinnedNodes(spec);
    if (nodeAffinitySize(spec) * (only?.size ?? nodes.length) > comparisonsMax) return { unschedulable: tooManyComparisons };
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
  begin({ pod }, _cluster, feasible) {
    const terms = pod.spec?.affinity?.nodeAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? [];
    const size = terms.reduce((sum, { preference }) => sum + sizeOfNodeTerm(preference), 0);
    // A wish that costs too much is not heard.
    if (terms.length === 0 || size * feasible.length > comparisonsMax) return undefined;
    return {
      score: ({ node }) =>
        terms.filter(({ preference }) => matchesTerm(preference, node)).reduce((sum, { weight }) => sum + weight, 0),
      normalize: (scores) => normalizeScores(scores, false),
    };
  },
};

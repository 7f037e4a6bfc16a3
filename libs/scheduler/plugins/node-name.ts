// NodeName: spec.nodeName, where it is set before scheduling.
import type { FilterPlugin } from '../framework.ts';

const name = 'NodeName';

export const nodeName: FilterPlugin = {
  name,
  begin({ pod }) {
    const wanted = pod.spec?.nodeName;
    if (!wanted) return undefined;
    return {
      filter: (node) =>
        wanted === node.name
          ? undefined
          : { plugin: name, reasons: ["node(s) didn't match the requested node name"], unresolvable: true },
    };
  },
  helps: (event, { pod }) => event.kind === 'nodeAdded' && event.node.metadata?.name === pod.spec?.nodeName,
};

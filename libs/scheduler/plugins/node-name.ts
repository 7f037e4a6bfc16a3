// NodeName: spec.nodeName, where it is set before scheduling.
import type { FilterPlugin } from '../framework.ts';

export const nodeName: FilterPlugin = {
  name: 'NodeName',
  wakesOn: ['nodeAdded'],
  filter(pod, node) {
    const wanted = pod.pod.spec?.nodeName;
    if (!wanted || wanted === node.name) return undefined;
    return { plugin: this.name, reasons: ["node(s) didn't match the requested node name"], unresolvable: true };
  },
};

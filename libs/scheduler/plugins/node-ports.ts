// NodePorts: a host port is had by one pod of a node at a time.
import { TakenPorts } from '@drydock/api/pod-resources.ts';
import type { FilterPlugin } from '../framework.ts';

const name = 'NodePorts';

export const nodePorts: FilterPlugin = {
  name,
  begin({ ports }) {
    if (ports.length === 0) return undefined;
    return {
      filter(node) {
        if (!node.ports.conflictsWith(ports)) return undefined;
        return { plugin: name, reasons: ["node(s) didn't have free ports for the requested pod ports"], unresolvable: false };
      },
    };
  },
  helps: (event, { ports }) =>
    event.kind === 'nodeAdded' || (event.kind === 'podGone' && new TakenPorts(event.pod.ports).conflictsWith(ports)),
};

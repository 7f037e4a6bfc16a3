// NodePorts: a host port is had by one pod of a node at a time.
import { portsConflict } from '@drydock/api/pod-resources.ts';
import type { FilterPlugin } from '../framework.ts';
import type { PodInfo } from '../node-info.ts';

const name = 'NodePorts';

function conflict(a: PodInfo, b: PodInfo): boolean {
  return b.ports.some((taken) => a.ports.some((port) => portsConflict(port, taken)));
}

export const nodePorts: FilterPlugin = {
  name,
  begin(pod) {
    if (pod.ports.length === 0) return undefined;
    return {
      filter(node) {
        for (const other of node.pods.values()) {
          if (!conflict(pod, other)) continue;
          const reasons = ["node(s) didn't have free ports for the requested pod ports"];
          return { plugin: name, reasons, unresolvable: false };
        }
        return undefined;
      },
    };
  },
  helps: (event, pod) => event.kind === 'nodeAdded' || (event.kind === 'podGone' && conflict(pod, event.pod)),
};

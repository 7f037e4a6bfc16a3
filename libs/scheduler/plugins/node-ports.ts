// NodePorts: a host port is had by one pod of a node at a time.

import { portsConflict } from '@drydock/api/pod-resources.ts';
import type { FilterPlugin } from '../framework.ts';

export const nodePorts: FilterPlugin = {
  name: 'NodePorts',
  wakesOn: ['nodeAdded', 'assignedPodDeleted'],
  filter(pod, node) {
    if (pod.ports.length === 0) return undefined;
    for (const other of node.pods.values()) {
      if (other.ports.some((taken) => pod.ports.some((port) => portsConflict(port, taken)))) {
        const reasons = ["node(s) didn't have free ports for the requested pod ports"];
        return { plugin: this.name, reasons, unresolvable: false };
      }
    }
    return undefined;
  },
};

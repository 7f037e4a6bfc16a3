// NodeUnschedulable: cordoned nodes take only pods that tolerate the cordon's taint.

import { tolerates } from '@drydock/api/selectors/taints.ts';
import type { FilterPlugin } from '../framework.ts';

const cordonTaint = { key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' };

export const nodeUnschedulable: FilterPlugin = {
  name: 'NodeUnschedulable',
  wakesOn: ['nodeAdded', 'nodeTaints'],
  filter(pod, node) {
    if (node.node.spec?.unschedulable !== true) return undefined;
    if (tolerates(pod.pod.spec?.tolerations ?? [], cordonTaint)) return undefined;
    return { plugin: this.name, reasons: ['node(s) were unschedulable'], unresolvable: true };
  },
};

// NodeUnschedulable: cordoned nodes take only pods that tolerate the cordon's taint.
import { tolerates } from '@drydock/api/selectors/taints.ts';
import type { FilterPlugin } from '../framework.ts';

const name = 'NodeUnschedulable';
const cordonTaint = { key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' };

export const nodeUnschedulable: FilterPlugin = {
  name,
  begin({ pod }) {
    if (tolerates(pod.spec?.tolerations ?? [], cordonTaint)) return undefined;
    return {
      filter: ({ node }) =>
        node.spec?.unschedulable === true
          ? { plugin: name, reasons: ['node(s) were unschedulable'], unresolvable: true }
          : undefined,
    };
  },
  helps: (event) => (event.kind === 'nodeAdded' || event.kind === 'nodeTaints') && event.node.spec?.unschedulable !== true,
};

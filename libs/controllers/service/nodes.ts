// Which nodes take the traffic of load balancers. Pure; follows upstream's cloud-provider/controllers/service: readiness does not
// count, for balancers ask the nodes themselves.
import type { Node } from '@drydock/api/generated/types.ts';
import { isBeingDeleted } from '../common/object-meta.ts';

const excludeLabel = 'node.kubernetes.io/exclude-from-external-load-balancers';
/** On nodes that the cluster autoscaler is about to remove. */
const toBeDeletedTaint = 'ToBeDeletedByClusterAutoscaler';

export function takesTraffic(node: Node): boolean {
  if (isBeingDeleted(node) || node.metadata?.labels?.[excludeLabel] !== undefined) return false;
  return !(node.spec?.taints ?? []).some(({ key }) => key === toBeDeletedTaint);
}

// Which Services a change of a pod or a node concerns: shared by the two endpoints controllers.
import type { Node, Pod, Service } from '@drydock/api/generated/types.ts';
import { matchesLabels } from '@drydock/api/selectors/label-selector.ts';
import { semanticEqual } from '../common/equality.ts';
import { byNamespace } from '../common/indexes.ts';
import { isBeingDeleted, keyOf, namespaceOf } from '../common/object-meta.ts';
import { isPodReady, podCondition } from '../common/pod.ts';
import type { Cache, Change } from '../common/ports.ts';
import { zoneLabel } from './endpoint.ts';

/** The pods that `service` selects. */
export function selectedPods(service: Service, pods: Cache<Pod>): Pod[] {
  const selector = service.spec?.selector;
  if (selector === undefined) return [];
  const selected: Pod[] = [];
  for (const pod of pods.lookup(byNamespace, namespaceOf(service))) {
    if (matchesLabels(selector, pod.metadata?.labels)) selected.push(pod);
  }
  return selected;
}

/** Keys of the Services whose endpoints the change may touch; none where nothing an endpoint shows has changed. */
export function servicesOf({ before, after }: Change<Pod>, services: Cache<Service>): string[] {
  const pod = after ?? before;
  if (pod === undefined) return [];
  const relabelled = !semanticEqual(before?.metadata?.labels, after?.metadata?.labels, 'labels');
  if (before !== undefined && after !== undefined && !relabelled && !endpointChanged(before, after)) return [];
  const keys: string[] = [];
  for (const service of services.lookup(byNamespace, namespaceOf(pod))) {
    const selector = service.spec?.selector;
    if (selector === undefined) continue;
    const selects = (candidate: Pod | undefined) =>
      candidate !== undefined && matchesLabels(selector, candidate.metadata?.labels);
    if (selects(before) || selects(after)) keys.push(keyOf(service));
  }
  return keys;
}

/** Whether a pod differs in what endpoints are made of. */
function endpointChanged(before: Pod, after: Pod): boolean {
  return (
    before.metadata?.uid !== after.metadata?.uid ||
    isBeingDeleted(before) !== isBeingDeleted(after) ||
    isPodReady(before) !== isPodReady(after) ||
    podCondition(before, 'Ready')?.lastTransitionTime !== podCondition(after, 'Ready')?.lastTransitionTime ||
    before.status?.phase !== after.status?.phase ||
    before.spec?.nodeName !== after.spec?.nodeName ||
    before.spec?.hostname !== after.spec?.hostname ||
    !semanticEqual(before.status?.podIPs, after.status?.podIPs)
  );
}

/** Whether the change of a node touches endpoints: it came, it went, or it moved to another zone. */
export function nodeConcernsEndpoints({ before, after }: Change<Node>): boolean {
  return (
    before === undefined || after === undefined || before.metadata?.labels?.[zoneLabel] !== after.metadata?.labels?.[zoneLabel]
  );
}

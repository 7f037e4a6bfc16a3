// Workloads as a Scale: how many pods they should have and have, and which ones (pkg/registry/apps/*/storage, ScaleREST).
import type { LabelSelector, Scale } from './generated/types.ts';
import type { KubeObject, Resource } from './resource.ts';
import { formatLabelSelector, requirementsOf } from './selectors/label.ts';

interface Scalable {
  readonly metadata?: KubeObject['metadata'];
  readonly spec?: { readonly replicas?: number; readonly selector?: LabelSelector | Record<string, string> };
  readonly status?: { readonly replicas?: number };
}

/** The Scale of an object of that resource. */
export function scaleOf(resource: Pick<Resource, 'resource'>, object: KubeObject): Scale {
  const { metadata = {}, spec, status } = object as Scalable;
  const { name, namespace, uid, resourceVersion, creationTimestamp } = metadata;
  // ReplicationControllers select by labels alone.
  const plain = resource.resource === 'replicationcontrollers';
  const selector = plain ? { matchLabels: spec?.selector as Record<string, string> } : (spec?.selector as LabelSelector);
  return {
    kind: 'Scale',
    apiVersion: 'autoscaling/v1',
    metadata: { name, namespace, uid, resourceVersion, creationTimestamp },
    spec: spec?.replicas ? { replicas: spec.replicas } : {},
    status: { replicas: status?.replicas ?? 0, selector: spec?.selector === undefined ? '' : textOf(selector) },
  };
}

/** Terms in the order of their keys; a selector that the API lets in has no unknown operator. */
function textOf(selector: LabelSelector): string {
  return formatLabelSelector(requirementsOf(selector) ?? []);
}

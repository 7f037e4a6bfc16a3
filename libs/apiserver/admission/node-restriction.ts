// A kubelet changes its own node and the pods bound to it, nothing else (plugin/pkg/admission/noderestriction).
import type { Node, PersistentVolumeClaim, Pod, PodResourceClaimStatus } from '@drydock/api/generated/types.ts';
import { semanticEqual } from '@drydock/api/json.ts';
import { nodeNameOf } from '../authn/user.ts';
import { forbiddenObject } from '../registry/errors.ts';
import type { AdmissionPlugin, AdmissionRequest } from './admission.ts';
import { refusedLabels } from './node-labels.ts';
import { checkMirrorPod } from './node-mirror-pod.ts';
import { checkTokenRequest } from './node-token.ts';
import { type NodeLookups, named, notFoundObject, refuse } from './node-writes.ts';

/** @param lookups objects as they are now, and what RBAC says. */
export function nodeRestriction(lookups: NodeLookups): AdmissionPlugin {
  const check = async (request: AdmissionRequest): Promise<void> => {
    const node = nodeNameOf(request.user);
    if (node === undefined || request.operation === 'CONNECT') return;
    const { group, resource } = request.info;
    switch (group === '' ? resource : `${resource}.${group}`) {
      case 'pods':
        return checkPods(request, node, lookups);
      case 'nodes':
        return checkNode(request, node);
      case 'persistentvolumeclaims':
        return checkClaim(request, node);
      case 'serviceaccounts':
        return checkTokenRequest(request, node, lookups);
      case 'leases.coordination.k8s.io':
        return checkLease(request, node);
      case 'csinodes.storage.k8s.io':
        if (named(request) === node) return;
        throw refuse(request, 'can only access CSINode with the same name as the requesting node');
      case 'resourceslices.resource.k8s.io':
        return checkSlice(request, node);
    }
  };
  return {
    name: 'NodeRestriction',
    mutate: check,
    // Deletions have nothing to change and come here only.
    validate: (request) => (request.operation === 'DELETE' ? check(request) : undefined),
  };
}

async function checkPods(request: AdmissionRequest, node: string, lookups: NodeLookups): Promise<void> {
  const { operation, subresource, namespace, name } = request;
  switch (subresource) {
    case '':
      if (operation === 'CREATE') return checkMirrorPod(request, node, lookups);
      if (operation === 'DELETE')
        return checkOwnPod(request, node, request.old as Pod | undefined, `node "${node}" can only delete`);
      throw refuse(request, `unexpected operation "${operation}", node "${node}" can only create and delete mirror pods`);
    case 'status':
      return checkPodStatus(request, node);
    case 'eviction':
      // The deletion that an eviction ends with is asked about the same pod.
      if (operation === 'DELETE') return;
      return checkOwnPod(request, node, await lookups.pod(namespace, name), `node ${node} can only evict`);
    default:
      throw refuse(request, `unexpected pod subresource "${subresource}", only 'status' and 'eviction' are allowed`);
  }
}

function checkOwnPod(request: AdmissionRequest, node: string, pod: Pod | undefined, may: string): void {
  if (pod === undefined) throw notFoundObject('pod', request.name);
  if (pod.spec?.nodeName !== node) throw refuse(request, `${may} pods with spec.nodeName set to itself`);
}

function checkPodStatus(request: AdmissionRequest, node: string): void {
  const old = request.old as Pod | undefined;
  const next = request.object as Pod | undefined;
  if (old?.spec?.nodeName !== node)
    throw refuse(request, `node "${node}" can only update pod status for pods with spec.nodeName set to itself`);
  if (!semanticEqual(old.metadata?.labels ?? {}, next?.metadata?.labels ?? {}))
    throw refuse(request, `node "${node}" cannot update labels through pod status`);
  if (!semanticEqual(claimNames(old), claimNames(next)))
    throw refuse(request, `node "${node}" cannot update resource claim statues`);
}

function claimNames(pod: Pod | undefined): readonly (readonly (string | undefined)[])[] {
  const statuses: readonly PodResourceClaimStatus[] = pod?.status?.resourceClaimStatuses ?? [];
  return statuses.map(({ name, resourceClaimName }) => [name, resourceClaimName ?? '']);
}

function checkNode(request: AdmissionRequest, node: string): void {
  const { operation } = request;
  const object = request.object as Node | undefined;
  const asked = operation === 'CREATE' && object?.metadata?.generateName ? '' : named(request);
  const shown = asked || (object?.metadata?.generateName ?? '');
  if (asked !== node) throw forbiddenObject(request.info, shown, `node "${node}" is not allowed to modify node "${asked}"`);
  if (object === undefined) return;
  const old = request.old as Node | undefined;
  const labels = refusedLabels(object.metadata?.labels ?? {}, old?.metadata?.labels ?? {}).join(', ');
  if (operation === 'CREATE') {
    if (object.spec?.configSource !== undefined)
      throw refuse(request, `node "${node}" is not allowed to create pods with a non-nil configSource`);
    if (labels !== '') throw refuse(request, `node "${node}" is not allowed to set the following labels: ${labels}`);
    return;
  }
  const source = object.spec?.configSource;
  if (source !== undefined && !semanticEqual(source, old?.spec?.configSource))
    throw refuse(request, `node "${node}" is not allowed to update configSource to a new non-nil configSource`);
  if (!semanticEqual(object.spec?.taints ?? [], old?.spec?.taints ?? []))
    throw refuse(request, `node "${node}" is not allowed to modify taints`);
  if (labels !== '') throw refuse(request, `is not allowed to modify labels: ${labels}`);
  if (!semanticEqual(object.metadata?.ownerReferences ?? [], old?.metadata?.ownerReferences ?? []))
    throw refuse(request, `node "${node}" is not allowed to modify ownerReferences`);
}

/** Of a claim, a kubelet reports how large it has become, and nothing else. */
function checkClaim(request: AdmissionRequest, node: string): void {
  if (request.subresource !== 'status') throw refuse(request, 'may only update PVC status');
  if (request.operation !== 'UPDATE') throw refuse(request, `unexpected operation "${request.operation}"`);
  if (semanticEqual(withoutSizes(request.old), withoutSizes(request.object))) return;
  throw refuse(request, `node "${node}" is not allowed to update fields other than status.capacity and status.conditions`);
}

function withoutSizes(object: AdmissionRequest['object']) {
  const claim = (object ?? {}) as PersistentVolumeClaim;
  const { resourceVersion: _version, managedFields: _fields, ...metadata } = claim.metadata ?? {};
  const { capacity: _capacity, conditions: _conditions, ...status } = claim.status ?? {};
  const { allocatedResources: _resources, allocatedResourceStatuses: _statuses, ...kept } = status;
  return { metadata, spec: claim.spec ?? {}, status: kept };
}

function checkLease(request: AdmissionRequest, node: string): void {
  if (request.namespace !== 'kube-node-lease')
    throw refuse(request, `can only access leases in the "kube-node-lease" system namespace`);
  if (named(request) !== node) throw refuse(request, 'can only access node lease with the same name as the requesting node');
}

function checkSlice(request: AdmissionRequest, node: string): void {
  const { operation } = request;
  if (operation !== 'CREATE' && operation !== 'DELETE') return;
  const slice = (operation === 'CREATE' ? request.object : request.old) as { spec?: { nodeName?: string } } | undefined;
  if (slice?.spec?.nodeName === node) return;
  throw refuse(request, `can only ${operation.toLowerCase()} ResourceSlice with the same NodeName as the requesting node`);
}

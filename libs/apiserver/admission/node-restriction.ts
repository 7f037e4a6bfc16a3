// A kubelet changes its own node and the pods bound to it, nothing else (plugin/pkg/admission/noderestriction).
import type { Node, Pod } from '@drydock/api/generated/types.ts';
import { nodeNameOf } from '../authn/user.ts';
import { forbiddenObject } from '../registry/errors.ts';
import type { AdmissionPlugin, AdmissionRequest } from './admission.ts';

/** @param findPod the pod as it is now. */
export function nodeRestriction(findPod: (namespace: string, name: string) => Promise<Pod | undefined>): AdmissionPlugin {
  return {
    name: 'NodeRestriction',
    async validate(request) {
      const node = nodeNameOf(request.user);
      if (node === undefined) return;
      const { info, subresource } = request;
      if (info.group === '' && info.resource === 'pods') {
        if (subresource === '') return checkPod(request, node, findPod);
        if (subresource === 'status') return checkPodStatus(request, node);
        if (subresource === 'eviction')
          return checkOwnPod(request, node, await findPod(request.namespace, request.name), 'evict');
        throw refuse(
          request,
          `unexpected pod subresource ${JSON.stringify(subresource)}, only 'status' and 'eviction' are allowed`,
        );
      }
      if (info.group === '' && info.resource === 'nodes') checkNode(request, node);
      if (info.resource === 'leases') checkLease(request, node);
      if (info.resource === 'csinodes' && (request.object?.metadata?.name ?? request.name) !== node) {
        throw refuse(request, `can only access CSINode with the same name as the requesting node`);
      }
    },
  };
}

function refuse(request: AdmissionRequest, why: string) {
  return forbiddenObject(request.info, request.object?.metadata?.name ?? request.name, why);
}

async function checkPod(
  request: AdmissionRequest,
  node: string,
  findPod: (namespace: string, name: string) => Promise<Pod | undefined>,
): Promise<void> {
  if (request.operation === 'DELETE')
    return checkOwnPod(
      request,
      node,
      (request.old as Pod | undefined) ?? (await findPod(request.namespace, request.name)),
      'delete',
    );
  if (request.operation !== 'CREATE')
    throw refuse(
      request,
      `unexpected operation ${JSON.stringify(request.operation)}, node ${JSON.stringify(node)} can only create and delete mirror pods`,
    );
  const pod = request.object as Pod;
  const name = pod.metadata?.name ?? '';
  if (pod.metadata?.annotations?.['kubernetes.io/config.mirror'] === undefined) {
    throw refuse(
      request,
      `pod does not have "kubernetes.io/config.mirror" annotation, node ${JSON.stringify(node)} can only create mirror pods`,
    );
  }
  const owners = pod.metadata.ownerReferences ?? [];
  const owner = owners[0];
  if (owners.length !== 1 || owner?.apiVersion !== 'v1' || owner.kind !== 'Node' || owner.name !== node) {
    throw refuse(request, `node ${JSON.stringify(node)} can only create pods with an owner reference set to itself`);
  }
  if (pod.spec?.nodeName !== node)
    throw refuse(request, `node ${JSON.stringify(node)} can only create pods with spec.nodeName set to itself`);
  if (pod.spec.serviceAccountName)
    throw refuse(request, `node ${JSON.stringify(node)} can not create pods that reference a service account`);
  for (const volume of pod.spec.volumes ?? []) {
    if (volume.secret !== undefined)
      throw refuse(request, `node ${JSON.stringify(node)} can not create pods that reference secrets`);
    if (volume.configMap !== undefined)
      throw refuse(request, `node ${JSON.stringify(node)} can not create pods that reference configmaps`);
    if (volume.persistentVolumeClaim !== undefined)
      throw refuse(request, `node ${JSON.stringify(node)} can not create pods that reference persistentvolumeclaims (${name})`);
  }
}

function checkOwnPod(request: AdmissionRequest, node: string, pod: Pod | undefined, verb: string): void {
  if (pod === undefined || pod.spec?.nodeName === node) return;
  throw refuse(request, `node ${JSON.stringify(node)} can only ${verb} pods with spec.nodeName set to itself`);
}

function checkPodStatus(request: AdmissionRequest, node: string): void {
  const old = request.old as Pod | undefined;
  if (old?.spec?.nodeName !== node) {
    throw refuse(request, `node ${JSON.stringify(node)} can only update pod status for pods with spec.nodeName set to itself`);
  }
  const before = JSON.stringify(Object.entries(old.metadata?.labels ?? {}).sort());
  const after = JSON.stringify(Object.entries(request.object?.metadata?.labels ?? {}).sort());
  if (before !== after) throw refuse(request, `node ${JSON.stringify(node)} cannot update labels through pod status`);
}

/** Labels a kubelet may set on its node. */
const ownLabels: ReadonlySet<string> = new Set([
  'kubernetes.io/hostname',
  'kubernetes.io/arch',
  'kubernetes.io/os',
  'beta.kubernetes.io/arch',
  'beta.kubernetes.io/os',
  'beta.kubernetes.io/instance-type',
  'node.kubernetes.io/instance-type',
  'failure-domain.beta.kubernetes.io/region',
  'failure-domain.beta.kubernetes.io/zone',
  'topology.kubernetes.io/region',
  'topology.kubernetes.io/zone',
]);

function checkNode(request: AdmissionRequest, node: string): void {
  const name = request.name || (request.object?.metadata?.name ?? '');
  if (name !== node)
    throw refuse(request, `node ${JSON.stringify(node)} is not allowed to modify node ${JSON.stringify(name)}`);
  const object = request.object as Node | undefined;
  if (object === undefined) {
    if (request.operation === 'DELETE') throw refuse(request, `node ${JSON.stringify(node)} is not allowed to delete nodes`);
    return;
  }
  const old = request.old as Node | undefined;
  if (object.spec?.configSource !== undefined && old?.spec?.configSource === undefined) {
    throw refuse(request, `node ${JSON.stringify(node)} is not allowed to update configSource to a new non-nil configSource`);
  }
  const touched = new Set<string>();
  for (const key of new Set([...Object.keys(object.metadata?.labels ?? {}), ...Object.keys(old?.metadata?.labels ?? {})])) {
    if (object.metadata?.labels?.[key] !== old?.metadata?.labels?.[key]) touched.add(key);
  }
  const denied = [...touched].filter(isProtectedLabel).sort();
  if (denied.length > 0) throw refuse(request, `is not allowed to modify labels: ${denied.join(', ')}`);
  if (request.operation === 'UPDATE' && JSON.stringify(object.spec?.taints ?? []) !== JSON.stringify(old?.spec?.taints ?? [])) {
    throw refuse(request, `node ${JSON.stringify(node)} is not allowed to modify taints`);
  }
}

/** Labels of kubernetes.io and k8s.io are not a kubelet's to set, with few exceptions. */
function isProtectedLabel(key: string): boolean {
  const domain = key.includes('/') ? key.slice(0, key.indexOf('/')) : '';
  if (domain === 'node-restriction.kubernetes.io' || domain.endsWith('.node-restriction.kubernetes.io')) return true;
  const kubernetes = ['kubernetes.io', 'k8s.io'].some((suffix) => domain === suffix || domain.endsWith(`.${suffix}`));
  if (!kubernetes || ownLabels.has(key)) return false;
  return !['kubelet.kubernetes.io', 'node.kubernetes.io'].some(
    (allowed) => domain === allowed || domain.endsWith(`.${allowed}`),
  );
}

function checkLease(request: AdmissionRequest, node: string): void {
  const { namespace, operation, name, object } = request;
  if (namespace !== 'kube-node-lease')
    throw refuse(request, `can only access leases in the "kube-node-lease" system namespace`);
  const subject = operation === 'CREATE' ? object?.metadata?.name : name;
  if (subject !== node) throw refuse(request, 'can only access node lease with the same name as the requesting node');
}

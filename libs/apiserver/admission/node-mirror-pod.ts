// The only pods that a kubelet creates are the mirrors of those it runs from files: its own, naming nothing else of the API.
import type { Pod } from '@drydock/api/generated/types.ts';
import { mirrorAnnotation } from '@drydock/api/validate/pod-annotations.ts';
import { claimsOf, configMapsOf, secretsOf } from '../authz/pod-references.ts';
import type { AdmissionRequest } from './admission.ts';
import { type NodeLookups, notFoundObject, refuse } from './node-writes.ts';

export async function checkMirrorPod(request: AdmissionRequest, node: string, lookups: NodeLookups): Promise<void> {
  const pod = request.object as Pod;
  if (pod.metadata?.annotations?.[mirrorAnnotation] === undefined) {
    const why = `pod does not have "${mirrorAnnotation}" annotation, node "${node}" can only create mirror pods`;
    throw refuse(request, why);
  }
  if (pod.spec?.nodeName !== node)
    throw refuse(request, `node "${node}" can only create pods with spec.nodeName set to itself`);
  await checkOwner(request, node, pod, lookups);
  const what = referenced(pod);
  if (what !== undefined) throw refuse(request, `node "${node}" can not create pods that reference ${what}`);
}

async function checkOwner(request: AdmissionRequest, node: string, pod: Pod, lookups: NodeLookups): Promise<void> {
  const owners = pod.metadata?.ownerReferences ?? [];
  const only = (what: string) => refuse(request, `node "${node}" can only create pods with ${what} set to itself`);
  if (owners.length > 1) throw only('a single owner reference');
  const [owner] = owners;
  if (owner?.apiVersion !== 'v1' || owner.kind !== 'Node' || owner.name !== node) throw only('an owner reference');
  if (owner.controller !== true) throw only('a controller owner reference');
  if (owner.blockOwnerDeletion === true)
    throw refuse(request, `node "${node}" must not set blockOwnerDeletion on an owner reference`);
  const known = await lookups.node(node);
  if (known === undefined) throw notFoundObject('node', node);
  const uid = known.metadata?.uid ?? '';
  if (owner.uid !== uid) throw refuse(request, `node ${node} UID mismatch: expected ${owner.uid} got ${uid}`);
}

function referenced({ spec }: Pod): string | undefined {
  if (spec === undefined) return undefined;
  if (spec.serviceAccountName) return 'a service account';
  if (secretsOf(spec).size > 0) return 'secrets';
  if (configMapsOf(spec).size > 0) return 'configmaps';
  const sources = (spec.volumes ?? []).flatMap(({ projected }) => projected?.sources ?? []);
  if (sources.some(({ clusterTrustBundle }) => clusterTrustBundle !== undefined)) return 'clustertrustbundles';
  if (claimsOf(spec).size > 0) return 'persistentvolumeclaims';
  return (spec.resourceClaims ?? []).length > 0 ? 'resourceclaims' : undefined;
}

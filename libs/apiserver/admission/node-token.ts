// A kubelet asks for tokens of the service accounts of its pods, for the audiences that these pods ask for.
import type { AuthenticationTokenRequest, Pod } from '@drydock/api/generated/types.ts';
import { claimOfVolume } from '@drydock/api/storage/pod-claims.ts';
import type { AdmissionRequest } from './admission.ts';
import { type NodeLookups, notFoundObject, refuse } from './node-writes.ts';

export async function checkTokenRequest(request: AdmissionRequest, node: string, lookups: NodeLookups): Promise<void> {
  if (request.operation !== 'CREATE' || request.subresource !== 'token') return;
  const { boundObjectRef: ref, audiences = [] } = (request.object as unknown as AuthenticationTokenRequest).spec ?? {};
  if (ref?.apiVersion !== 'v1' || ref.kind !== 'Pod' || !ref.name)
    throw refuse(request, 'node requested token not bound to a pod');
  if (!ref.uid) throw refuse(request, 'node requested token with a pod binding without a uid');
  const pod = await lookups.pod(request.namespace, ref.name);
  if (pod === undefined) throw notFoundObject('pod', ref.name);
  if (pod.metadata?.uid !== ref.uid) {
    const why = `the UID in the bound object reference (${ref.uid}) does not match the UID in record. The object might have been deleted and then recreated`;
    throw refuse(request, why);
  }
  if (pod.spec?.nodeName !== node) throw refuse(request, 'node requested token bound to a pod scheduled on a different node');
  await checkAudience(request, pod, audiences, lookups);
}

async function checkAudience(
  request: AdmissionRequest,
  pod: Pod,
  audiences: readonly string[],
  lookups: NodeLookups,
): Promise<void> {
  if (audiences.length > 1) throw refuse(request, 'node may only request 0 or 1 audiences');
  const audience = audiences[0] ?? '';
  for await (const each of audiencesOf(pod, lookups)) if (each === audience) return;
  const { user, namespace, name } = request;
  const attributes = { user, namespace, subresource: '', path: '', isResource: true, group: '', version: 'v1' };
  const verb = 'request-serviceaccounts-token-audience';
  if (lookups.allowed({ ...attributes, verb, resource: audience, name })) return;
  const why = `audience "${audience}" not found in pod spec volume, ${user.name} is not authorized to request tokens for this audience`;
  throw refuse(request, why);
}

/** The audiences of a pod's token volumes, and of the drivers of its volumes that want tokens; empty for the API's own. */
async function* audiencesOf(pod: Pod, lookups: NodeLookups): AsyncGenerator<string> {
  const drivers = new Set<string>();
  const namespace = pod.metadata?.namespace ?? '';
  for (const volume of pod.spec?.volumes ?? []) {
    for (const { serviceAccountToken } of volume.projected?.sources ?? [])
      if (serviceAccountToken !== undefined) yield serviceAccountToken.audience ?? '';
    const claim = claimOfVolume(pod, volume);
    const driver = volume.csi?.driver ?? (claim === undefined ? undefined : await lookups.driverOfClaim(namespace, claim));
    if (driver !== undefined) drivers.add(driver);
  }
  for (const driver of drivers) {
    const spec = (await lookups.csiDriver(driver))?.spec;
    for (const { audience } of spec?.tokenRequests ?? []) yield audience ?? '';
  }
}

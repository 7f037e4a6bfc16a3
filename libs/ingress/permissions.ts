// What this controller's account may do. Manifests of earlier versions of ingress-nginx give it what those versions needed: endpoints
// instead of slices, a ConfigMap instead of a Lease, no classes. The API server is asked once, before anything is read.
import type { ResourceAttributes, SelfSubjectAccessReview } from '@drydock/api/generated/types.ts';
import { endpointSlices, ingressClasses, type Resource } from '@drydock/api/resource.ts';
import type { ApiClient } from '@drydock/client/api-client.ts';
import type { LockKind } from '@drydock/client/election-lock.ts';
import type { Clock } from '@drydock/foundation/clock.ts';
import type { Log } from '@drydock/foundation/log.ts';

export interface Permissions {
  /** Else Endpoints are read. */
  readonly slices: boolean;
  /** Else there are none, and the older annotation decides. */
  readonly classes: boolean;
  /** Where the election is. */
  readonly election: { readonly lock: LockKind; readonly id: string };
}

export interface Asked {
  /** Where the controller runs. */
  readonly namespace: string;
  readonly watchNamespace: string;
  readonly electionId: string;
  /** Versions before 1.0 add it to the id. */
  readonly ingressClass: string;
}

const selfReviews: Resource<SelfSubjectAccessReview> = {
  group: 'authorization.k8s.io',
  version: 'v1',
  resource: 'selfsubjectaccessreviews',
  kind: 'SelfSubjectAccessReview',
  namespaced: false,
};
const retryMs = 1_000;
const askTimeoutMs = 10_000;

/** All of this version's rights: what is assumed of an account that was made for it. */
export function allPermissions({ electionId }: Asked): Permissions {
  return { slices: true, classes: true, election: { lock: 'leases', id: electionId } };
}

/** Asks until the API server has answered. Rejects when the signal aborts. */
export async function askPermissions(
  asked: Asked,
  { client, clock, log }: { readonly client: ApiClient; readonly clock: Clock; readonly log: Log },
  signal: AbortSignal,
): Promise<Permissions> {
  for (;;) {
    try {
      return await permissionsOf(asked, (attributes) => may(client, attributes, signal));
    } catch (err) {
      signal.throwIfAborted();
      log.warn({ err }, 'the API server does not say what this account may do');
      await clock.sleep(retryMs, signal);
    }
  }
}

/** The decision, by answers. */
export async function permissionsOf(
  { namespace, watchNamespace, electionId, ingressClass }: Asked,
  allowed: (attributes: ResourceAttributes) => Promise<boolean>,
): Promise<Permissions> {
  const watched = watchNamespace === '' ? {} : { namespace: watchNamespace };
  const watch = ({ group, resource }: Resource, where = {}) => allowed({ verb: 'watch', group, resource, ...where });
  const update = (group: string, resource: string, name: string) =>
    allowed({ verb: 'update', group, resource, namespace, name });
  const [slices, classes] = [await watch(endpointSlices, watched), await watch(ingressClasses)];
  const lease = { lock: 'leases', id: electionId } as const;
  if (await update('coordination.k8s.io', 'leases', electionId)) return { slices, classes, election: lease };
  for (const id of [`${electionId}-${ingressClass}`, electionId])
    if (await update('', 'configmaps', id)) return { slices, classes, election: { lock: 'configmaps', id } };
  return { slices, classes, election: lease };
}

async function may(client: ApiClient, resourceAttributes: ResourceAttributes, signal: AbortSignal): Promise<boolean> {
  const { group, version, kind } = selfReviews;
  const review: SelfSubjectAccessReview = {
    apiVersion: `${group}/${version}`,
    kind,
    metadata: {},
    spec: { resourceAttributes },
  };
  const { status } = await client.create(selfReviews, review, { timeoutMs: askTimeoutMs, signal });
  return status?.allowed === true && status.denied !== true;
}

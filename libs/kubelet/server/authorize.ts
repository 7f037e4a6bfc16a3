// Who may use the kubelet's HTTPS API: a client certificate, and a SubjectAccessReview for nodes and their subresources.
import type { TLSSocket } from 'node:tls';
import type { SubjectAccessReview } from '@drydock/api/generated/types.ts';
import type { Resource } from '@drydock/api/resource.ts';
import type { ServerPorts } from './servers.ts';

const reviews: Resource<SubjectAccessReview> = {
  group: 'authorization.k8s.io',
  version: 'v1',
  resource: 'subjectaccessreviews',
  kind: 'SubjectAccessReview',
  namespaced: false,
};
/** Upstream's cache of what is allowed: five minutes; of what is not: 30 s. */
const allowedMs = 300_000;
const deniedMs = 30_000;
const cacheMax = 1000;
const cache = new Map<string, { readonly allowed: boolean; readonly untilMs: number }>();

const verbs: Readonly<Record<string, string>> = {
  GET: 'get',
  HEAD: 'get',
  POST: 'create',
  PUT: 'update',
  PATCH: 'patch',
  DELETE: 'delete',
};

export async function authorize(
  { client, config, clock }: ServerPorts,
  socket: TLSSocket,
  method: string,
  path: string,
): Promise<[number, string]> {
  const peer = socket.authorized ? socket.getPeerCertificate() : undefined;
  const user = [peer?.subject?.CN ?? ''].flat()[0] ?? '';
  if (user === '') return [401, 'Unauthorized'];
  if (!config.webhook) return [200, ''];
  const groups = [...([peer?.subject?.O ?? []].flat() as string[]), 'system:authenticated'];
  const subresource = /^\/(stats|metrics|logs|healthz|pods)(\/|$)/.exec(path)?.[1] ?? 'proxy';
  const verb = verbs[method] ?? '';
  const key = JSON.stringify([user, groups, verb, subresource]);
  const now = clock.monotonicMs();
  const known = cache.get(key);
  let allowed = known?.allowed;
  if (known === undefined || known.untilMs < now) {
    const spec = {
      user,
      groups,
      resourceAttributes: {
        verb,
        version: 'v1',
        resource: 'nodes',
        subresource: subresource === 'logs' ? 'log' : subresource,
        name: config.nodeName,
      },
    };
    const review: SubjectAccessReview = {
      apiVersion: 'authorization.k8s.io/v1',
      kind: 'SubjectAccessReview',
      metadata: {},
      spec,
    };
    const answer = await client.create(reviews, review);
    allowed = answer.status?.allowed === true;
    if (cache.size >= cacheMax) cache.clear();
    cache.set(key, { allowed, untilMs: now + (allowed ? allowedMs : deniedMs) });
  }
  return allowed === true
    ? [200, '']
    : [403, `Forbidden (user=${user}, verb=${verb}, resource=nodes, subresource(s)=[${subresource}])\n`];
}

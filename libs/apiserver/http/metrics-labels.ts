// The labels of request metrics: from what the request was understood to be, never from what was written. Their number is bounded
// by the resources that are served (k8s.io/apiserver/pkg/endpoints/metrics).
import { findResource, findSubresource } from '@drydock/api/scheme.ts';
import type { Exchange } from './exchange.ts';
import { headerOf } from './exchange.ts';
import type { PathInfo } from './request-info.ts';

export interface RequestLabels {
  readonly verb: string;
  readonly dry_run: string;
  readonly group: string;
  readonly version: string;
  readonly resource: string;
  readonly subresource: string;
  readonly scope: string;
  readonly component: string;
}

/** Paths that are no resources and are counted, by what upstream calls them. */
const plainPaths: ReadonlyMap<string, string> = new Map([
  ['/api', 'api'],
  ['/apis', 'apis'],
  ['/healthz', '/healthz'],
  ['/livez', '/livez'],
  ['/readyz', '/readyz'],
  ['/version', 'version'],
  ['/metrics', '/metrics'],
  ['/openapi/v2', 'openapi/v2'],
]);

const verbs: Readonly<Record<string, string>> = { create: 'POST', update: 'PUT' };
const connects: ReadonlySet<string> = new Set(['exec', 'attach', 'portforward', 'proxy']);

/** Undefined for what is not counted: unknown paths and resources. */
export function labelsOf(info: PathInfo, exchange: Exchange): RequestLabels | undefined {
  const none = { dry_run: '', group: '', version: '', resource: '', scope: '' };
  if (!info.isResource) {
    const known = plainPaths.get(exchange.path) ?? (exchange.path.startsWith('/openapi/v3') ? 'openapi/v3' : undefined);
    if (known === undefined) return undefined;
    const verb = exchange.method === 'GET' || exchange.method === 'HEAD' ? 'GET' : 'other';
    return { ...none, verb, subresource: known, component: known.startsWith('/') || known.includes('/') ? '' : 'apiserver' };
  }
  const { group, version, resource, subresource, namespace, name } = info.target;
  const row = findResource(group, version, resource);
  if (row === undefined || (subresource !== '' && findSubresource(row, subresource) === undefined)) return undefined;
  const single = name !== '' || info.verb === 'create';
  const scope = single ? 'resource' : namespace !== '' ? 'namespace' : 'cluster';
  return {
    verb: verbOf(info, exchange),
    dry_run: exchange.query.getAll('dryRun').some((value) => value === 'All') ? 'All' : '',
    group,
    version,
    resource,
    subresource,
    scope,
    component: 'apiserver',
  };
}

function verbOf(info: PathInfo, exchange: Exchange): string {
  if (connects.has(info.target.subresource)) return 'CONNECT';
  const apply = info.verb === 'patch' && headerOf(exchange.req, 'content-type').startsWith('application/apply-patch');
  if (apply) return 'APPLY';
  return verbs[info.verb] ?? info.verb.toUpperCase();
}

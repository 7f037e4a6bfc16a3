// From method and path to verb and target (k8s.io/apiserver/pkg/endpoints/request.RequestInfoFactory).
import type { Target, Verb } from '../request.ts';

export interface PathInfo {
  readonly isResource: boolean;
  readonly verb: Verb | string;
  readonly target: Target;
  /** What follows `proxy/` in the path, with its leading slash; for connect requests. */
  readonly rest: string;
}

const none: Target = { group: '', version: '', resource: '', namespace: '', name: '', subresource: '' };

const verbs: Readonly<Record<string, Verb>> = {
  GET: 'get',
  HEAD: 'get',
  POST: 'create',
  PUT: 'update',
  PATCH: 'patch',
  DELETE: 'delete',
};

/** Subresources of a namespace itself; any other word after its name is a resource inside it. */
const namespaceSubresources: ReadonlySet<string> = new Set(['status', 'finalize']);

/** Reads a path. What is no resource path has its lower-case method as the verb. */
export function pathInfo(method: string, path: string, watch: boolean): PathInfo {
  const parts = path
    .split('/')
    .filter((part) => part !== '')
    .map(decode);
  const api = parts[0] === 'api' ? 2 : parts[0] === 'apis' ? 3 : 0;
  if (api === 0 || parts.length <= api) return { isResource: false, verb: method.toLowerCase(), target: none, rest: '' };
  const group = api === 3 ? (parts[1] ?? '') : '';
  const version = parts[api - 1] ?? '';
  let rest = parts.slice(api);
  let verb: Verb = verbs[method] ?? 'get';
  if (rest[0] === 'watch' && rest.length > 1) {
    rest = rest.slice(1);
    verb = 'watch';
  }
  let namespace = '';
  if (rest[0] === 'namespaces' && rest.length > 1) {
    namespace = rest[1] ?? '';
    if (rest.length > 2 && !namespaceSubresources.has(rest[2] ?? '')) rest = rest.slice(2);
  }
  const [resource = '', name = '', subresource = ''] = rest;
  if (name === '' && verb === 'get') verb = watch ? 'watch' : 'list';
  else if (name !== '' && verb === 'get' && watch && subresource === '') verb = 'watch';
  if (name === '' && verb === 'delete') verb = 'deletecollection';
  const tail =
    subresource === 'proxy'
      ? `/${path
          .split('/')
          .slice(path.split('/').indexOf('proxy', 4) + 1)
          .join('/')}`
      : '';
  return { isResource: true, verb, target: { group, version, resource, namespace, name, subresource }, rest: tail };
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

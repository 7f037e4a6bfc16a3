// From method and path to verb and target (k8s.io/apiserver/pkg/endpoints/request.RequestInfoFactory): what the authoriser is
// asked about. The same parts are what is then routed; a path that upstream has no route for is refused after authorisation.
import { posix } from 'node:path';
import { pathSegmentErrors } from '@drydock/api/names.ts';
import { findResource } from '@drydock/api/scheme.ts';
import { exactName } from '@drydock/api/selectors/field.ts';
import { parseLabelSelector } from '@drydock/api/selectors/label.ts';
import type { RequestOptions, Target } from '../request.ts';
import { optionsOf } from './options.ts';

/** `malformed` is answered before anyone is authenticated; the others are not told to who may not ask. */
export type Refusal =
  | { readonly type: 'malformed'; readonly code: 400 | 500; readonly text: string }
  /** No server has this path: 404 in plain text. */
  | { readonly type: 'no-page' }
  /** The group's server has no such path: 404. */
  | { readonly type: 'no-route' }
  /** It has, for other methods: 405. */
  | { readonly type: 'no-method' };

export interface PathInfo {
  readonly isResource: boolean;
  /** A verb of authorisation; empty for methods that have none. The lower-case method for what is no resource. */
  readonly verb: string;
  readonly target: Target;
  /** The path with its escapes undone. */
  readonly path: string;
  /** What follows `proxy/` in the path, with its leading slash; for connect requests. */
  readonly rest: string;
  readonly refusal?: Refusal | undefined;
}

const none: Target = { group: '', version: '', resource: '', namespace: '', name: '', subresource: '' };

const verbs: Readonly<Record<string, string>> = {
  GET: 'get',
  HEAD: 'get',
  POST: 'create',
  PUT: 'update',
  PATCH: 'patch',
  DELETE: 'delete',
};

/** Subresources of a namespace itself; any other word after its name is a resource inside it. */
const namespaceSubresources: ReadonlySet<string> = new Set(['status', 'finalize']);

/** Reads method, path (as sent) and query. */
export function pathInfo(method: string, sent: string, query: URLSearchParams): PathInfo {
  const path = decodePath(sent);
  const plain = { isResource: false, verb: method.toLowerCase(), target: none, path: path ?? sent, rest: '' };
  if (path === undefined) return { ...plain, refusal: { type: 'malformed', code: 400, text: '400 Bad Request' } };
  const refusal: Refusal | undefined = path.startsWith('//') ? { type: 'no-page' } : undefined;
  const parts = path.replace(/^\/+|\/+$/g, '').split('/');
  const prefix = parts[0] === 'api' ? 2 : parts[0] === 'apis' ? 3 : 0;
  if (prefix === 0 || parts.length <= prefix) return { ...plain, refusal };
  const group = prefix === 3 ? (parts[1] ?? '') : '';
  const version = parts[prefix - 1] ?? '';
  const inside = parts.slice(prefix);
  const [special = ''] = inside;
  const byPath = special === 'watch' || special === 'proxy';
  if (byPath && inside.length < 2) {
    const text = `Internal Server Error: ${JSON.stringify(sent)}: failed to create RequestInfo: unable to determine kind and namespace from url, ${sent}`;
    return { ...plain, refusal: { type: 'malformed', code: 500, text } };
  }
  const place = placeOf(byPath ? inside.slice(1) : inside);
  const target = { group, version, ...place.target };
  const verb = byPath ? special : (verbs[method] ?? '');
  const named = byPath ? { verb, name: target.name } : readsOf(verb, target.name, query);
  return {
    isResource: true,
    verb: named.verb,
    target: { ...target, name: named.name },
    path,
    rest: target.subresource === 'proxy' ? proxiedPath(place.rest, path) : '',
    refusal: refusal ?? misplacedIn(place, target, special, method),
  };
}

interface Place {
  readonly target: Omit<Target, 'group' | 'version'>;
  readonly rest: readonly string[];
  /** The resource stands behind `namespaces/NAMESPACE/`. */
  readonly nested: boolean;
}

/** Reads `[namespaces/NAMESPACE/]RESOURCE[/NAME[/SUBRESOURCE[/...]]]`. */
function placeOf(parts: readonly string[]): Place {
  const inNamespace = parts[0] === 'namespaces' && parts.length > 1;
  const namespace = inNamespace ? (parts[1] ?? '') : '';
  const nested = inNamespace && parts.length > 2 && !namespaceSubresources.has(parts[2] ?? '');
  const own = nested ? parts.slice(2) : parts;
  const [resource = '', name = '', subresource = '', ...rest] = own;
  return { target: { namespace, resource, name, subresource }, rest, nested };
}

/** Paths that no route has although their resource may exist. */
function misplacedIn({ nested, rest }: Place, target: Target, special: string, method: string): Refusal | undefined {
  const { group, version, resource, namespace, name, subresource } = target;
  const namespaced = findResource(group, version, resource)?.namespaced;
  const watches = special === 'watch';
  if (nested && namespaced === false) return { type: 'no-route' };
  if (rest.length > 0 && subresource !== 'proxy') return { type: 'no-route' };
  if (special === 'proxy' || (watches && subresource !== '')) return { type: 'no-route' };
  if (watches && namespaced === true && namespace === '' && name !== '') return { type: 'no-route' };
  return watches && method !== 'GET' ? { type: 'no-method' } : undefined;
}

/** GET without a name lists or watches, what a field selector names alone counting as the name; DELETE takes the collection. */
function readsOf(verb: string, name: string, query: URLSearchParams): { verb: string; name: string } {
  if (name !== '') return { verb, name };
  if (verb === 'delete') return { verb: 'deletecollection', name };
  if (verb !== 'get') return { verb, name };
  const watch = query.get('watch');
  const reading = watch === null || ['false', '0'].includes(watch.toLowerCase()) ? 'list' : 'watch';
  return { verb: reading, name: selectedName(() => optionsOf(query, reading)) };
}

/** The one name that the selectors of a list or watch let through; empty where there is none or the options are malformed. */
export function selectedName(read: () => Pick<RequestOptions, 'labelSelector' | 'fieldSelector'>): string {
  try {
    const { labelSelector, fieldSelector } = read();
    parseLabelSelector(labelSelector ?? '');
    const name = exactName(fieldSelector ?? '') ?? '';
    return pathSegmentErrors(name).length === 0 ? name : '';
  } catch {
    return '';
  }
}

function decodePath(path: string): string | undefined {
  try {
    return decodeURIComponent(path);
  } catch {
    return undefined;
  }
}

/** The decoded path below `proxy`, without steps up, escaped again as Go's URL does; empty where not even a slash follows. */
function proxiedPath(rest: readonly string[], whole: string): string {
  if (rest.length === 0 && !whole.endsWith('/')) return '';
  const joined = posix.join('/', ...rest);
  const path = whole.endsWith('/') && !joined.endsWith('/') ? `${joined}/` : joined;
  return escapedPath(path);
}

/** A decoded path, escaped as Go's URL does it. */
export function escapedPath(path: string): string {
  return encodeURI(path).replace(/[?#!*'()]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);
}

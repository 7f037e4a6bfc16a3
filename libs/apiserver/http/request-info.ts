// From method and path to verb and target (k8s.io/apiserver/pkg/endpoints/request.RequestInfoFactory): what the authoriser is
// asked about. The same parts are what is then routed; a path that upstream has no route for is refused after authorisation.
import { posix } from 'node:path';
import { apiParts, methodVerbs, type RequestPlace, readsOf, requestPlace } from '@drydock/api/request-path.ts';
import { findResource } from '@drydock/api/scheme.ts';
import type { Target } from '../request.ts';
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

/** Reads method, path (as sent) and query. */
export function pathInfo(method: string, sent: string, query: URLSearchParams): PathInfo {
  const path = decodePath(sent);
  const plain = { isResource: false, verb: method.toLowerCase(), target: none, path: path ?? sent, rest: '' };
  if (path === undefined) return { ...plain, refusal: { type: 'malformed', code: 400, text: '400 Bad Request' } };
  const refusal: Refusal | undefined = path.startsWith('//') ? { type: 'no-page' } : undefined;
  const parts = apiParts(path);
  if (parts === undefined) return { ...plain, refusal };
  const { group, version, inside } = parts;
  const [special = ''] = inside;
  const byPath = special === 'watch' || special === 'proxy';
  if (byPath && inside.length < 2) {
    const text = `Internal Server Error: ${JSON.stringify(sent)}: failed to create RequestInfo: unable to determine kind and namespace from url, ${sent}`;
    return { ...plain, refusal: { type: 'malformed', code: 500, text } };
  }
  const place = requestPlace(byPath ? inside.slice(1) : inside);
  const target = { group, version, ...place.target };
  const verb = byPath ? special : (methodVerbs[method] ?? '');
  const named = byPath
    ? { verb, name: target.name }
    : readsOf(verb, target.name, query, (reading) => optionsOf(query, reading));
  return {
    isResource: true,
    verb: named.verb,
    target: { ...target, name: named.name },
    path,
    rest: target.subresource === 'proxy' ? proxiedPath(place.rest, path) : '',
    refusal: refusal ?? misplacedIn(place, target, special, method),
  };
}

/** Paths that no route has although their resource may exist. */
function misplacedIn({ nested, rest }: RequestPlace, target: Target, special: string, method: string): Refusal | undefined {
  const { group, version, resource, namespace, name, subresource } = target;
  const namespaced = findResource(group, version, resource)?.namespaced;
  const watches = special === 'watch';
  if (nested && namespaced === false) return { type: 'no-route' };
  if (rest.length > 0 && subresource !== 'proxy') return { type: 'no-route' };
  if (special === 'proxy' || (watches && subresource !== '')) return { type: 'no-route' };
  if (watches && namespaced === true && namespace === '' && name !== '') return { type: 'no-route' };
  return watches && method !== 'GET' ? { type: 'no-method' } : undefined;
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

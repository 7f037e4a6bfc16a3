// Paths of rules into what the data plane compares, and which of several wins. Exact and Prefix are Kubernetes' (elements, letters as
// they are, the longest first, then Exact); ImplementationSpecific is what ingress-nginx makes of it: characters, or with use-regex or
// rewrite-target at any Ingress of the host a regular expression whatever its letters' case.
import { createHash } from 'node:crypto';
import type { HTTPIngressPath } from '@drydock/api/generated/types.ts';
import { Refusal, regex } from './annotations/grammar.ts';
import type { Location } from './model.ts';

export type Matcher = Pick<Location, 'match' | 'path'>;

/** ingress-nginx's strict-validate-path-type. */
const strictPath = /^\/[A-Za-z0-9._\-/]*$/;
const printable = /^\/[\x21-\x7e]*$/;
const pathCharsMax = 1_024;

/** What is wrong with a path; undefined where it is served. */
export function pathProblem({ path = '/', pathType }: HTTPIngressPath, strict: boolean, asRegex: boolean): string | undefined {
  if (path.length > pathCharsMax) return `path of ${path.length} characters, more than ${pathCharsMax}`;
  const shown = JSON.stringify(path);
  if (!printable.test(path)) return `path ${shown} has characters that no request has`;
  if (pathType !== 'ImplementationSpecific')
    return strict && !strictPath.test(path)
      ? `path ${shown} cannot be used with pathType ${pathType}: letters, digits and . _ - / only`
      : undefined;
  if (!asRegex) return undefined;
  const parsed = regex.parse(path);
  return parsed instanceof Refusal ? `path ${shown} is not ${parsed.expected}` : undefined;
}

/** What a path is compared by; a Prefix needs two where no regular expression is allowed. */
export function matchersOf({ path = '/', pathType }: HTTPIngressPath, asRegex: boolean): Matcher[] {
  if (pathType === 'Exact') return [{ match: 'exact', path }];
  if (pathType !== 'Prefix') return [{ match: asRegex ? 'regex' : 'prefix', path }];
  // `/foo/` and `/foo` are the same elements.
  const elements = path.replace(/\/+$/, '');
  if (elements === '') return [{ match: asRegex ? 'elements' : 'prefix', path: '/' }];
  if (asRegex) return [{ match: 'elements', path: elements }];
  return [
    { match: 'exact', path: elements },
    { match: 'prefix', path: `${elements}/` },
  ];
}

const order = { exact: 0, elements: 1, regex: 2, prefix: 3 } as const;

/** Sorts matchers so that the first one that matches is the right one: the data plane reads regular expressions in order. */
export function byPrecedence(a: Matcher, b: Matcher): number {
  return b.path.length - a.path.length || order[a.match] - order[b.match] || (a.path < b.path ? -1 : a.path > b.path ? 1 : 0);
}

/** Names a matcher of a host in few characters that mean nothing to the data plane: for canaries and counters. */
export function locationId(host: string, { match, path }: Matcher): string {
  return createHash('sha256').update(`${host} ${match} ${path}`).digest('hex').slice(0, 16);
}

/** What a request's path is served by: the model of the data plane that tests compare it with. */
export function firstMatch<T extends Matcher>(locations: readonly T[], path: string): T | undefined {
  const exact = locations.find((location) => location.match === 'exact' && location.path === path);
  if (exact !== undefined) return exact;
  const expression = locations.find((location) =>
    location.match === 'regex'
      ? new RegExp(`^${location.path}`, 'i').test(path)
      : location.match === 'elements' &&
        (location.path === '/' || path === location.path || path.startsWith(`${location.path}/`)),
  );
  if (expression !== undefined) return expression;
  return locations.filter((location) => location.match === 'prefix' && path.startsWith(location.path)).sort(byPrecedence)[0];
}

// How k8s.io/apiserver reads a path: what of it is a resource, where, under which name (request.RequestInfoFactory). Pure.
import { pathSegmentErrors } from './names.ts';
import { exactName } from './selectors/field.ts';
import { parseLabelSelector } from './selectors/label.ts';

/** What a method does to an object; GET without a name lists or watches, DELETE takes the collection. */
export const methodVerbs: Readonly<Record<string, string>> = {
  GET: 'get',
  HEAD: 'get',
  POST: 'create',
  PUT: 'update',
  PATCH: 'patch',
  DELETE: 'delete',
};

/** Subresources of a namespace itself; any other word after its name is a resource inside it. */
const namespaceSubresources: ReadonlySet<string> = new Set(['status', 'finalize']);

/** A path below a version of the API. */
export interface ApiParts {
  readonly group: string;
  readonly version: string;
  /** What follows; not empty. */
  readonly inside: readonly string[];
}

/** Undefined where the path, its escapes undone, is about no resource. */
export function apiParts(path: string): ApiParts | undefined {
  const parts = path.replace(/^\/+|\/+$/g, '').split('/');
  const prefix = parts[0] === 'api' ? 2 : parts[0] === 'apis' ? 3 : 0;
  if (prefix === 0 || parts.length <= prefix) return undefined;
  return { group: prefix === 3 ? (parts[1] ?? '') : '', version: parts[prefix - 1] ?? '', inside: parts.slice(prefix) };
}

export interface RequestPlace {
  /** Empty strings where a part does not apply. */
  readonly target: {
    readonly resource: string;
    readonly namespace: string;
    readonly name: string;
    readonly subresource: string;
  };
  readonly rest: readonly string[];
  /** The resource stands behind `namespaces/NAMESPACE/`. */
  readonly nested: boolean;
}

/** Reads `[namespaces/NAMESPACE/]RESOURCE[/NAME[/SUBRESOURCE[/...]]]`. */
export function requestPlace(parts: readonly string[]): RequestPlace {
  const inNamespace = parts[0] === 'namespaces' && parts.length > 1;
  const namespace = inNamespace ? (parts[1] ?? '') : '';
  const nested = inNamespace && parts.length > 2 && !namespaceSubresources.has(parts[2] ?? '');
  const own = nested ? parts.slice(2) : parts;
  const [resource = '', name = '', subresource = '', ...rest] = own;
  return { target: { namespace, resource, name, subresource }, rest, nested };
}

/** Of a list or watch. */
export interface Selectors {
  readonly labelSelector?: string | undefined;
  readonly fieldSelector?: string | undefined;
}

/** The one name that the selectors of a list or watch let through; empty where there is none or the options are malformed. */
export function selectedName(read: () => Selectors): string {
  try {
    const { labelSelector, fieldSelector } = read();
    parseLabelSelector(labelSelector ?? '');
    const name = exactName(fieldSelector ?? '') ?? '';
    return pathSegmentErrors(name).length === 0 ? name : '';
  } catch {
    return '';
  }
}

/**
 * GET without a name lists or watches, what a field selector names alone counting as the name; DELETE takes the collection.
 * @param selectorsOf of the query, for that verb; may throw.
 */
export function readsOf(
  verb: string,
  name: string,
  query: URLSearchParams,
  selectorsOf: (verb: string) => Selectors,
): { verb: string; name: string } {
  if (name !== '') return { verb, name };
  if (verb === 'delete') return { verb: 'deletecollection', name };
  if (verb !== 'get') return { verb, name };
  const watch = query.get('watch');
  const reading = watch === null || ['false', '0'].includes(watch.toLowerCase()) ? 'list' : 'watch';
  return { verb: reading, name: selectedName(() => selectorsOf(reading)) };
}

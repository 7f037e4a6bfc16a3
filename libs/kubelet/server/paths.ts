// What a path of the kubelet's HTTPS API is to the authoriser: a subresource of the node (pkg/kubelet/server/auth.go,
// NodeRequestAttributesGetter, with KubeletFineGrainedAuthz, which is on in 1.36).

const verbs: Readonly<Record<string, string>> = {
  GET: 'get',
  POST: 'create',
  PUT: 'update',
  PATCH: 'patch',
  DELETE: 'delete',
};

/** Empty for a method that nothing here is allowed for. */
export function verbOf(method: string): string {
  return verbs[method] ?? '';
}

/** Roots of paths and the subresource that is enough for them. */
const own: readonly (readonly [string, string])[] = [
  ['/stats', 'stats'],
  ['/metrics', 'metrics'],
  // Upstream's word for the files of a node.
  ['/logs', 'log'],
  ['/checkpoint', 'checkpoint'],
];
/** The same; `proxy`, which is enough for everything else, is enough for these too. */
const fine: readonly (readonly [string, string])[] = [
  ['/healthz', 'healthz'],
  ['/configz', 'configz'],
  ['/pods', 'pods'],
  ['/runningpods', 'pods'],
];

const isBelow = (path: string, root: string): boolean => path === root || path.startsWith(`${root}/`);

/** The subresources of which one is needed, in the order in which they are asked for. */
export function subresourcesOf(path: string): readonly string[] {
  const only = own.find(([root]) => isBelow(path, root));
  if (only !== undefined) return [only[1]];
  const finer = fine.find(([root]) => isBelow(path, root));
  return finer === undefined ? ['proxy'] : [finer[1], 'proxy'];
}

/**
 * The path of a request's target, decoded: the same text is authorised and served. Undefined where it is no path, or one that
 * others may read in another way (empty and dotted segments, encoded slashes).
 */
export function pathOf(target: string): { readonly path: string; readonly query: URLSearchParams } | undefined {
  const at = target.indexOf('?');
  const raw = at < 0 ? target : target.slice(0, at);
  const query = new URLSearchParams(at < 0 ? '' : target.slice(at + 1));
  if (!raw.startsWith('/') || /%2f|%5c|%00/i.test(raw)) return undefined;
  try {
    const path = decodeURIComponent(raw);
    const segments = path.slice(1).split('/');
    const isOdd = segments.some((each, i) => each === '.' || each === '..' || (each === '' && i < segments.length - 1));
    return isOdd || path.includes('#') ? undefined : { path, query };
  } catch {
    return undefined;
  }
}

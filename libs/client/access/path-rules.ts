// Paths that are for everybody (--authorization-always-allow-paths): whole ones, and beginnings that end in `*`.

export interface PathRules {
  readonly paths: ReadonlySet<string>;
  readonly prefixes: readonly string[];
}

/** Throws RangeError, in the original's words, for a `*` that is not at the end. A leading slash is no part of a path here. */
export function pathRules(texts: readonly string[]): PathRules {
  const paths = new Set<string>();
  const prefixes: string[] = [];
  for (const text of texts) {
    const path = text.replace(/^\//, '');
    if (path.slice(0, -1).includes('*')) throw new RangeError(`only trailing * allowed in ${JSON.stringify(path)}`);
    if (path.endsWith('*')) prefixes.push(path.slice(0, -1));
    else paths.add(path);
  }
  return { paths, prefixes };
}

export function isForEverybody({ paths, prefixes }: PathRules, path: string): boolean {
  const bare = path.replace(/^\//, '');
  return paths.has(bare) || prefixes.some((prefix) => bare.startsWith(prefix));
}

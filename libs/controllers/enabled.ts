// Which controllers of a set run: the list that --controllers takes.
import type { ControllerSet } from './entry.ts';

type Names = Pick<ControllerSet<never>, 'notYet'> & {
  readonly entries: readonly { readonly name: string; readonly alias: string }[];
};

/** The first name in `list` that no controller has, upstream's included. */
export function unknownController(list: readonly string[], { entries, notYet }: Names): string | undefined {
  const known = new Set<string>(['*', ...notYet, ...entries.flatMap(({ name, alias }) => [name, alias])]);
  return list.map((entry) => entry.replace(/^-/, '')).find((entry) => !known.has(entry));
}

/** Whether the controller runs: named, or not taken away while `*` is given. The first word about it counts. */
export function isEnabled(entry: { readonly name: string; readonly alias: string }, list: readonly string[]): boolean {
  for (const text of list) {
    const bare = text.replace(/^-/, '');
    if (bare === entry.name || bare === entry.alias) return text === bare;
  }
  return list.includes('*');
}

/** Those that were named and are not there yet. */
export function namedButMissing(list: readonly string[], { notYet }: Names): string[] {
  const missing = new Set<string>(notYet);
  return list.filter((entry) => missing.has(entry));
}

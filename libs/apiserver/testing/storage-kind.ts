// How cases of storage are written down: a base, and changes of it.

export const storageNamespace = 'storage-api';
export const storageApi = '/apis/storage.k8s.io/v1';

/** A change of an object: values by path, undefined to leave out. Numbers are places in lists. */
export type Change = readonly (readonly [path: string, value: unknown])[];

export interface StorageKind {
  readonly title: string;
  readonly path: string;
  readonly base: object;
  /** Each is created, dry, from the base with the change. */
  readonly creates: readonly (readonly [title: string, change: Change])[];
  /** The base is created; each change is tried on it, dry. */
  readonly updates: readonly (readonly [title: string, change: Change])[];
  /** What is written of the status before the updates. */
  readonly status?: object;
  /** Each status is tried, dry. */
  readonly statuses?: readonly (readonly [title: string, status: unknown])[];
}

/** `base` with the change, as a new object. */
export function changed(base: object, change: Change): object {
  const object = structuredClone(base) as Record<string, unknown>;
  for (const [path, value] of change) {
    const keys = path.split('.');
    const last = keys.pop() ?? '';
    let at: Record<string, unknown> = object;
    for (const key of keys) {
      at[key] ??= {};
      at = at[key] as Record<string, unknown>;
    }
    if (value === undefined) delete at[last];
    else at[last] = value;
  }
  return object;
}

/** One change of a path for each of the values. */
export const each = (path: string, values: readonly unknown[]): [string, Change][] =>
  values.map((value) => [`${path}=${short(value)}`, [[path, value]]]);

function short(value: unknown): string {
  const text = JSON.stringify(value) ?? 'nothing';
  return text.length > 60 ? `${text.slice(0, 40)}... (${text.length})` : text;
}

export const long = (length: number): string => 'x'.repeat(length);
/** So many keys. */
export const many = (count: number): Record<string, string> =>
  Object.fromEntries(Array.from({ length: count }, (_, i) => [`k${i}`, 'v']));

// Which revisions a key has. Most keys have one after a compaction, so the newest is held in plain fields and only older ones
// in an array. A generation is the life of a key from its creation to its deletion, as in etcd's key_index.
import { assert } from '@drydock/foundation/assert.ts';
import type { KeyRange } from './key-range.ts';
import { SortedList } from './sorted-list.ts';

/** Numbers per older revision in `KeyEntry.history`: main, sub, 1 where it is a tombstone. */
const stride = 3;

/** One key; only the index changes it. */
export interface KeyEntry {
  readonly key: string;
  /** The newest revision, a tombstone where not `live`. */
  main: number;
  sub: number;
  live: boolean;
  /** Of the generation of the newest revision: its first main revision, and how many changes it has seen. */
  created: number;
  version: number;
  /** Older revisions, oldest first, flat. */
  history: number[] | undefined;
}

/** A place in the backend. */
export interface RevisionPlace {
  readonly main: number;
  readonly sub: number;
  readonly tombstone: boolean;
}

export class KeyIndex {
  /** Live keys are counted. */
  readonly #entries = new SortedList<KeyEntry>((entry) => entry.live);
  #live = 0;
  /** No key was changed after it. */
  #newest = 0;

  /** Keys that exist now. */
  get liveKeys(): number {
    return this.#live;
  }

  get(key: string): KeyEntry | undefined {
    return this.#entries.get(key);
  }

  /** Records a put at (main, sub) and returns the entry with its new created and version. */
  put(key: string, main: number, sub: number): KeyEntry {
    const entry = this.#entries.get(key);
    this.#newest = Math.max(this.#newest, main);
    if (entry === undefined) {
      const created: KeyEntry = { key, main, sub, live: true, created: main, version: 1, history: undefined };
      this.#entries.insert(created);
      this.#live++;
      return created;
    }
    assert(main > entry.main || (main === entry.main && sub > entry.sub), 'revisions of a key only grow');
    pushHistory(entry);
    if (!entry.live) {
      entry.created = main;
      entry.version = 0;
      this.#setLive(entry, true);
    }
    entry.main = main;
    entry.sub = sub;
    entry.version++;
    return entry;
  }

  /** Records a deletion. The key must be live. */
  tombstone(entry: KeyEntry, main: number, sub: number): void {
    assert(entry.live, 'only a live key is deleted');
    pushHistory(entry);
    entry.main = main;
    entry.sub = sub;
    this.#newest = Math.max(this.#newest, main);
    this.#setLive(entry, false);
  }

  #setLive(entry: KeyEntry, live: boolean): void {
    entry.live = live;
    this.#live += live ? 1 : -1;
    this.#entries.toggled(entry);
  }

  /** Rebuilds from the backend, revision by revision in order; created and version come from the stored key-value. */
  restore(key: string, place: RevisionPlace, created: number, version: number): void {
    const entry = this.#entries.get(key);
    this.#newest = Math.max(this.#newest, place.main);
    if (entry === undefined) {
      const { main, sub, tombstone } = place;
      this.#entries.insert({ key, main, sub, live: !tombstone, created, version, history: undefined });
      if (!tombstone) this.#live++;
      return;
    }
    pushHistory(entry);
    if (entry.live === place.tombstone) this.#setLive(entry, !place.tombstone);
    entry.main = place.main;
    entry.sub = place.sub;
    if (!place.tombstone) {
      entry.created = created;
      entry.version = version;
    }
  }

  /** Calls `visit` with the place of every key's value at `revision`, in key order, until it returns false. */
  scan(range: KeyRange, revision: number, visit: (entry: KeyEntry, main: number, sub: number) => boolean): void {
    if (range.single) {
      const entry = this.#entries.get(range.from);
      if (entry !== undefined) visitAt(entry, revision, visit);
      return;
    }
    this.#entries.scan(range.from, range.to, (entry) => visitAt(entry, revision, visit));
  }

  /** Calls `visit` as `scan` does, for `max` keys at most; gives how many there are. */
  select(range: KeyRange, revision: number, max: number, visit: (main: number, sub: number) => void): number {
    let seen = 0;
    const isNow = revision >= this.#newest;
    if (max > 0 || !isNow) {
      this.scan(range, revision, (_entry, main, sub) => {
        if (seen++ < max) visit(main, sub);
        return !isNow || seen < max;
      });
    }
    return seen < max || !isNow ? seen : this.#entries.count(range.from, range.to);
  }

  /** The revision that is a key's at `revision`, tombstones included. */
  placeAt(entry: KeyEntry, revision: number): RevisionPlace | undefined {
    if (entry.main <= revision) return { main: entry.main, sub: entry.sub, tombstone: !entry.live };
    const history = entry.history;
    const at = history === undefined ? -1 : lastAtOrBelow(history, revision);
    if (history === undefined || at < 0) return undefined;
    return { main: history[at] ?? 0, sub: history[at + 1] ?? 0, tombstone: history[at + 2] === 1 };
  }

  /** Whether this place is a key's value at `revision`. */
  isValueAt(key: string, place: RevisionPlace, revision: number): boolean {
    if (place.tombstone) return false;
    const entry = this.#entries.get(key);
    const newest = entry === undefined ? undefined : this.placeAt(entry, revision);
    return newest !== undefined && newest.main === place.main && newest.sub === place.sub;
  }

  /** Whether any key has a value at `revision`. */
  hasValuesAt(revision: number): boolean {
    let found = false;
    this.#entries.scan('', undefined, (entry) => {
      visitAt(entry, revision, () => {
        found = true;
        return false;
      });
      return !found;
    });
    return found;
  }

  /** Whether a compaction at `revision` keeps this place, which is at or below it. */
  keeps(key: string, place: RevisionPlace, revision: number): boolean {
    if (place.tombstone && place.main !== revision) return false;
    const entry = this.#entries.get(key);
    const newest = entry === undefined ? undefined : this.placeAt(entry, revision);
    return newest !== undefined && newest.main === place.main && newest.sub === place.sub;
  }

  /** Whether a compaction at `revision` keeps anything at or below it. */
  keepsAt(revision: number): boolean {
    let found = false;
    this.#entries.scan('', undefined, (entry) => {
      const newest = this.placeAt(entry, revision);
      found = newest !== undefined && keptNewest(newest, revision);
      return !found;
    });
    return found;
  }

  /**
   * One step of a compaction at `revision`: up to `count` keys from `cursor` on lose what is superseded. Returns the key to go on
   * with, or undefined at the end.
   */
  compact(revision: number, cursor: string, count: number): string | undefined {
    let seen = 0;
    let next: string | undefined;
    const dead: string[] = [];
    this.#entries.scan(cursor, undefined, (entry) => {
      if (seen++ >= count) {
        next = entry.key;
        return false;
      }
      if (this.#compactEntry(entry, revision)) dead.push(entry.key);
      return true;
    });
    for (const key of dead) this.#entries.remove(key);
    return next;
  }

  /** True where nothing of the key is left. */
  #compactEntry(entry: KeyEntry, revision: number): boolean {
    const newest = this.placeAt(entry, revision);
    if (newest === undefined) return false;
    const kept = keptNewest(newest, revision);
    const { history } = entry;
    if (history !== undefined) {
      let cut = lastAtOrBelow(history, revision) + stride;
      // A history that ends above the revision starts with the place that is kept.
      if (kept && cut > 0 && entry.main > revision) cut -= stride;
      entry.history = cut === history.length ? undefined : cut === 0 ? history : history.slice(cut);
    }
    return !kept && entry.main <= revision;
  }
}

function keptNewest(newest: RevisionPlace, revision: number): boolean {
  return !newest.tombstone || newest.main === revision;
}

function pushHistory(entry: KeyEntry): void {
  entry.history ??= [];
  entry.history.push(entry.main, entry.sub, entry.live ? 0 : 1);
}

function visitAt(entry: KeyEntry, revision: number, visit: (entry: KeyEntry, main: number, sub: number) => boolean): boolean {
  if (entry.main <= revision) return entry.live ? visit(entry, entry.main, entry.sub) : true;
  const history = entry.history;
  if (history === undefined) return true;
  const at = lastAtOrBelow(history, revision);
  if (at < 0 || history[at + 2] === 1) return true;
  return visit(entry, history[at] ?? 0, history[at + 1] ?? 0);
}

/** Offset of the last revision whose main is at most `revision`, or -1. */
function lastAtOrBelow(history: readonly number[], revision: number): number {
  let low = 0;
  let high = history.length / stride;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((history[middle * stride] ?? 0) <= revision) low = middle + 1;
    else high = middle;
  }
  return (low - 1) * stride;
}

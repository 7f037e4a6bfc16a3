// Who watches what. A watcher is either synced (it has everything up to the current revision and gets new revisions as they are
// applied) or behind (it is fed from the store's history, step by step). Everything here is synchronous and a watcher changes
// sides only when it has exactly the events below `nextRevision`: none is lost, none comes twice.

import { limits } from '../limits.ts';
import { type KeyRange, rangeContains } from '../mvcc/key-range.ts';
import type { MvccStore, StoreEvent } from '../mvcc/store.ts';
import { Batches } from './batches.ts';

/** Where a watcher's events go. */
export interface WatchSink {
  /** While true, its watchers wait behind and cost no memory. */
  readonly blocked: boolean;
  /** Events of one or more whole revisions, in order. Watchers that get the same get the same array, which does not change. */
  send(watcher: Watcher, events: readonly StoreEvent[]): void;
  /** A watcher that was behind has everything now; after its events, if there were any for it. */
  caughtUp(watcher: Watcher): void;
  /** The watcher cannot go on; it is gone from the hub. */
  compacted(watcher: Watcher, compactRevision: number): void;
}

export interface WatchSpec {
  readonly range: KeyRange;
  readonly wantsPut: boolean;
  readonly wantsDelete: boolean;
  /** First revision wanted; 0: from the next change on. */
  readonly startRevision: number;
}

export class Watcher {
  readonly spec: WatchSpec;
  readonly sink: WatchSink;
  /** Everything below was sent. */
  nextRevision: number;
  synced = false;

  constructor(spec: WatchSpec, sink: WatchSink, nextRevision: number) {
    this.spec = spec;
    this.sink = sink;
    this.nextRevision = nextRevision;
  }

  wants(event: StoreEvent): boolean {
    return event.type === 'put' ? this.spec.wantsPut : this.spec.wantsDelete;
  }
}

/** Synced watchers by what they watch: exact keys and prefixes are found by lookup, other ranges one by one. */
class SyncedWatchers {
  readonly #keys = new Map<string, Set<Watcher>>();
  readonly #prefixes = new Map<string, Set<Watcher>>();
  /** How many prefixes there are of each length. */
  readonly #prefixLengths = new Map<number, number>();
  readonly #ranges = new Set<Watcher>();

  add(watcher: Watcher): void {
    const { range } = watcher.spec;
    if (range.single) addTo(this.#keys, range.from, watcher);
    else if (isPrefix(range)) {
      if (addTo(this.#prefixes, range.from, watcher)) {
        this.#prefixLengths.set(range.from.length, (this.#prefixLengths.get(range.from.length) ?? 0) + 1);
      }
    } else this.#ranges.add(watcher);
  }

  remove(watcher: Watcher): void {
    const { range } = watcher.spec;
    if (range.single) removeFrom(this.#keys, range.from, watcher);
    else if (isPrefix(range)) {
      if (!removeFrom(this.#prefixes, range.from, watcher)) return;
      const left = (this.#prefixLengths.get(range.from.length) ?? 1) - 1;
      if (left === 0) this.#prefixLengths.delete(range.from.length);
      else this.#prefixLengths.set(range.from.length, left);
    } else this.#ranges.delete(watcher);
  }

  *all(): Iterable<Watcher> {
    for (const set of this.#keys.values()) yield* set;
    for (const set of this.#prefixes.values()) yield* set;
    yield* this.#ranges;
  }

  forEachMatching(key: string, visit: (watcher: Watcher) => void): void {
    this.#keys.get(key)?.forEach(visit);
    for (const length of this.#prefixLengths.keys()) {
      if (length <= key.length) this.#prefixes.get(key.slice(0, length))?.forEach(visit);
    }
    for (const watcher of this.#ranges) if (rangeContains(watcher.spec.range, key)) visit(watcher);
  }
}

export class WatchHub {
  readonly #store: MvccStore;
  readonly #synced = new SyncedWatchers();
  readonly #behind = new Set<Watcher>();
  #count = 0;
  eventsSent = 0;
  /** Called when there is something to replay; `replayStep` is to be called soon. */
  onBehind: () => void = () => {};

  constructor(store: MvccStore) {
    this.#store = store;
  }

  get watchers(): number {
    return this.#count;
  }

  get behind(): number {
    return this.#behind.size;
  }

  add(spec: WatchSpec, sink: WatchSink): Watcher {
    const next = spec.startRevision > 0 ? spec.startRevision : this.#store.revision + 1;
    const watcher = new Watcher(spec, sink, next);
    this.#count++;
    this.#place(watcher);
    return watcher;
  }

  remove(watcher: Watcher): void {
    if (!this.#behind.delete(watcher)) {
      if (!watcher.synced) return;
      this.#synced.remove(watcher);
    }
    watcher.synced = false;
    this.#count--;
  }

  /** A sink takes events again. */
  unblocked(): void {
    if (this.#behind.size > 0) this.onBehind();
  }

  /** The store was replaced by a snapshot; those who were synced have everything up to `seenRevision`. */
  resync(seenRevision: number): void {
    for (const watcher of [...this.#synced.all()]) {
      this.#synced.remove(watcher);
      watcher.nextRevision = Math.max(watcher.nextRevision, seenRevision + 1);
      this.#place(watcher);
    }
  }

  /** The changes of one revision, just applied. */
  notify(revision: number, events: readonly StoreEvent[]): void {
    const [only] = events;
    if (only !== undefined && events.length === 1) {
      this.#synced.forEachMatching(only.key, (watcher) => {
        if (revision >= watcher.nextRevision && watcher.wants(only)) this.#give(watcher, revision, events);
      });
      return;
    }
    const batches = new Batches();
    for (const event of events) {
      batches.event(event, (add) => {
        this.#synced.forEachMatching(event.key, (watcher) => {
          if (revision >= watcher.nextRevision && watcher.wants(event)) add(watcher);
        });
      });
    }
    for (const [watcher, batch] of batches.all()) this.#give(watcher, revision, batch);
  }

  #give(watcher: Watcher, revision: number, events: readonly StoreEvent[]): void {
    // What a sink did with an earlier one may have ended it.
    if (!watcher.synced) return;
    if (watcher.sink.blocked) {
      this.#synced.remove(watcher);
      watcher.synced = false;
      watcher.nextRevision = revision;
      this.#behind.add(watcher);
      return;
    }
    watcher.nextRevision = revision + 1;
    this.eventsSent += events.length;
    watcher.sink.send(watcher, events);
  }

  /** Replays a piece of history to those who are behind; true where there is more to do now. */
  replayStep(): boolean {
    const ready = this.#readyForReplay();
    if (ready.length === 0) return false;
    const from = Math.min(...ready.map((watcher) => watcher.nextRevision));
    let to = Math.min(from + limits.watchReplayRevisions - 1, this.#store.revision);
    let bytes = 0;
    const batches = new Batches();
    this.#store.replay(from, to, (revision, events) => {
      for (const event of events) {
        batches.event(event, (add) => {
          for (const watcher of ready) {
            if (revision < watcher.nextRevision || !watcher.wants(event)) continue;
            if (rangeContains(watcher.spec.range, event.key)) add(watcher);
          }
        });
      }
      bytes += events.reduce((sum, { kv }) => sum + kv.length, 0);
      if (bytes < limits.watchReplayBytes) return true;
      to = revision;
      return false;
    });
    for (const watcher of ready) {
      if (watcher.nextRevision > to) continue;
      const events = batches.of(watcher);
      // Those before it on the same sink may have filled that: it has its turn again.
      if (events !== undefined && watcher.sink.blocked) continue;
      watcher.nextRevision = to + 1;
      this.#behind.delete(watcher);
      this.#place(watcher, false);
      if (events !== undefined) {
        this.eventsSent += events.length;
        watcher.sink.send(watcher, events);
      }
      if (watcher.synced) watcher.sink.caughtUp(watcher);
    }
    return [...this.#behind].some((watcher) => !watcher.sink.blocked);
  }

  /** The first of those whose sinks take events. Whoever is served goes behind the others, so that each has its turn. */
  #readyForReplay(): Watcher[] {
    const ready: Watcher[] = [];
    for (const watcher of this.#behind) {
      if (ready.length >= limits.watchReplayWatchers) break;
      if (!watcher.sink.blocked && !this.#cancelCompacted(watcher)) ready.push(watcher);
    }
    return ready;
  }

  #place(watcher: Watcher, announce = true): void {
    if (watcher.nextRevision > this.#store.revision) {
      watcher.synced = true;
      this.#synced.add(watcher);
      return;
    }
    watcher.synced = false;
    this.#behind.add(watcher);
    if (announce) this.onBehind();
  }

  #cancelCompacted(watcher: Watcher): boolean {
    if (watcher.nextRevision >= this.#store.compactRevision) return false;
    this.remove(watcher);
    watcher.sink.compacted(watcher, this.#store.compactRevision);
    return true;
  }
}

/** True where the set is new. */
function addTo(map: Map<string, Set<Watcher>>, key: string, watcher: Watcher): boolean {
  const set = map.get(key);
  set?.add(watcher);
  if (set === undefined) map.set(key, new Set([watcher]));
  return set === undefined;
}

/** True where the set is gone. */
function removeFrom(map: Map<string, Set<Watcher>>, key: string, watcher: Watcher): boolean {
  const set = map.get(key);
  set?.delete(watcher);
  return set?.size === 0 && map.delete(key);
}

/** Whether the range is exactly the keys that begin with `from`. */
function isPrefix(range: KeyRange): boolean {
  if (range.to === undefined || range.from.length === 0) return false;
  const kept = range.from.replace(/\u00ff+$/, '');
  if (kept.length === 0) return false;
  return range.to === kept.slice(0, -1) + String.fromCharCode(kept.charCodeAt(kept.length - 1) + 1);
}

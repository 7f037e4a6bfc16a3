// The replicated log as one member sees it (section 3.5): a stable part in storage, and an unstable tail that the driver has
// not reported durable. Entries and a snapshot wait here between `Ready` and `advance`.
import { assert } from '@drydock/foundation/assert.ts';
import type { Entry, LogIndex, RaftStorage, Snapshot, SnapshotMeta, Term } from './types.ts';

export class RaftLog {
  readonly #storage: RaftStorage;
  /** Entries from `#offset` on that are not durable; they replace what storage has from there. */
  #unstable: Entry[] = [];
  #offset: LogIndex;
  /** A received snapshot that is not durable. */
  #snapshot: Snapshot | undefined;
  committed: LogIndex;
  /** What the state machine has been handed, and confirmed by `advance`. */
  applied: LogIndex;

  constructor(storage: RaftStorage, committed: LogIndex, applied: LogIndex) {
    this.#storage = storage;
    this.#offset = storage.lastIndex() + 1;
    this.committed = committed;
    this.applied = applied;
    assert(committed <= storage.lastIndex(), `commit index ${committed} is past the end of the log ${storage.lastIndex()}`);
    assert(applied <= committed, `applied index ${applied} is past the commit index ${committed}`);
    assert(applied >= storage.firstIndex() - 1, `log starts at ${storage.firstIndex()}, but only ${applied} is applied`);
  }

  get firstIndex(): LogIndex {
    return this.#snapshot !== undefined ? this.#snapshot.meta.index + 1 : this.#storage.firstIndex();
  }

  get lastIndex(): LogIndex {
    return this.#offset + this.#unstable.length - 1;
  }

  get lastTerm(): Term {
    const term = this.term(this.lastIndex);
    assert(typeof term === 'number', `the term of the last entry ${this.lastIndex} is ${term}`);
    return term;
  }

  /** The last index that is durable here. */
  get stableIndex(): LogIndex {
    return this.#offset - 1;
  }

  term(index: LogIndex): Term | 'compacted' | 'unavailable' {
    if (index > this.lastIndex) return 'unavailable';
    if (index >= this.#offset) return this.#unstable[index - this.#offset]?.term ?? 'unavailable';
    if (this.#snapshot !== undefined) return index === this.#snapshot.meta.index ? this.#snapshot.meta.term : 'compacted';
    return index < this.#storage.firstIndex() - 1 ? 'compacted' : this.#storage.term(index);
  }

  matches(index: LogIndex, term: Term): boolean {
    return this.term(index) === term;
  }

  /** Whether a log that ends so is at least as complete as this one: the voting rule of section 3.6.1. */
  isUpToDate(lastIndex: LogIndex, lastTerm: Term): boolean {
    return lastTerm > this.lastTerm || (lastTerm === this.lastTerm && lastIndex >= this.lastIndex);
  }

  /** Entries in [from, to) up to about `maxBytes`, at least one where there is one. */
  slice(from: LogIndex, to: LogIndex, maxBytes: number): readonly Entry[] | 'compacted' {
    if (from < this.firstIndex) return 'compacted';
    const end = Math.min(to, this.lastIndex + 1);
    if (from >= end) return [];
    if (from >= this.#offset) return limitBytes(this.#unstable, from - this.#offset, end - this.#offset, maxBytes);
    const stableEnd = Math.min(end, this.#offset);
    const stable = this.#storage.entries(from, stableEnd, maxBytes);
    if (stable === 'compacted' || stable.length < stableEnd - from || end <= this.#offset) return stable;
    const rest = maxBytes - bytesOf(stable);
    if (rest <= 0) return stable;
    const tail = limitBytes(this.#unstable, 0, end - this.#offset, rest);
    return bytesOf(tail) > rest ? stable : [...stable, ...tail];
  }

  /** A leader appends its own entries. */
  append(entries: readonly Entry[]): void {
    const first = entries[0];
    if (first === undefined) return;
    assert(first.index > this.committed, `entry ${first.index} would replace a committed one (commit ${this.committed})`);
    if (first.index < this.#offset) {
      // The stable tail conflicts: what the driver writes next replaces it.
      this.#unstable = [...entries];
      this.#offset = first.index;
      return;
    }
    this.#unstable.length = first.index - this.#offset;
    for (const entry of entries) this.#unstable.push(entry);
  }

  /**
   * A follower's half of AppendEntries (section 3.5): where prev matches, drops what conflicts, appends what is new, and returns
   * the last index that now matches the leader's log; undefined where prev does not match.
   */
  tryAppend(prevIndex: LogIndex, prevTerm: Term, entries: readonly Entry[]): LogIndex | undefined {
    if (!this.matches(prevIndex, prevTerm)) return undefined;
    const conflict = entries.findIndex((entry) => !this.matches(entry.index, entry.term));
    if (conflict >= 0) this.append(conflict === 0 ? entries : entries.slice(conflict));
    return prevIndex + entries.length;
  }

  /**
   * The largest index up to `index` whose term is at most `term`: after a mismatch neither side needs to look at anything above
   * it (the quicker back-up that section 3.5 sketches, as etcd does it).
   */
  lastIndexNotAbove(index: LogIndex, term: Term): { index: LogIndex; term: Term } {
    for (let at = Math.min(index, this.lastIndex); at > 0; at--) {
      const ours = this.term(at);
      if (typeof ours !== 'number') return { index: at, term: 0 };
      if (ours <= term) return { index: at, term: ours };
    }
    return { index: 0, term: 0 };
  }

  commitTo(index: LogIndex): boolean {
    if (index <= this.committed) return false;
    assert(
      index <= this.lastIndex,
      `commit index ${index} is past the last entry ${this.lastIndex}: was this member's log truncated or lost?`,
    );
    this.committed = index;
    return true;
  }

  /** Everything here is replaced by a snapshot (section 5.2); it becomes the start of the log. */
  restore(snapshot: Snapshot): void {
    this.#snapshot = snapshot;
    this.#unstable = [];
    this.#offset = snapshot.meta.index + 1;
    this.committed = snapshot.meta.index;
  }

  get pendingSnapshot(): Snapshot | undefined {
    return this.#snapshot;
  }

  get unstable(): readonly Entry[] {
    return this.#unstable;
  }

  get hasCommitted(): boolean {
    return this.#snapshot === undefined && this.applied < this.committed;
  }

  /** Committed and not yet applied, up to about `maxBytes`. Includes entries of the same Ready: those are durable before. */
  nextCommitted(maxBytes: number): readonly Entry[] {
    if (!this.hasCommitted) return [];
    const entries = this.slice(this.applied + 1, this.committed + 1, maxBytes);
    assert(entries !== 'compacted', `entry ${this.applied + 1} was compacted before it was applied`);
    return entries;
  }

  /** The driver has made durable everything up to this entry. A tail that was replaced meanwhile stays unstable. */
  stableTo(index: LogIndex, term: Term): void {
    if (index < this.#offset || !this.matches(index, term)) return;
    this.#unstable = this.#unstable.slice(index + 1 - this.#offset);
    this.#offset = index + 1;
  }

  snapshotStable(meta: SnapshotMeta): void {
    if (this.#snapshot?.meta.index === meta.index) this.#snapshot = undefined;
  }

  /** What to send to a member whose entries are gone; undefined while none is ready. */
  snapshot(): Snapshot | undefined {
    return this.#snapshot ?? this.#storage.snapshot();
  }
}

/** Bytes of payload: what limits and windows count. */
export function bytesOf(entries: readonly Pick<Entry, 'data'>[]): number {
  let total = 0;
  for (const entry of entries) total += entry.data.length;
  return total;
}

/** `entries[from..to)`, as many as fit into `maxBytes`, at least one. */
export function limitBytes(entries: readonly Entry[], from: number, to: number, maxBytes: number): readonly Entry[] {
  let total = 0;
  let end = from;
  while (end < to) {
    total += entries[end]?.data.length ?? 0;
    if (total > maxBytes && end > from) break;
    end++;
  }
  return entries.slice(from, end);
}

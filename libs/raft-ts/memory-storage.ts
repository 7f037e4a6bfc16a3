// The tail of the log in memory, as RaftStorage: what the driver has made durable and has not compacted yet.
import { assert } from '@drydock/foundation/assert.ts';
import { emptyConf } from './config-codec.ts';
import { bytesOf, limitBytes } from './log.ts';
import type { ConfState, Entry, HardState, LogIndex, RaftStorage, Snapshot, SnapshotMeta, Term } from './types.ts';

/** What the storage starts from: a snapshot's place (index 0 for none), the entries after it, the hard state. */
export interface MemoryStorageState {
  readonly base: { readonly index: LogIndex; readonly term: Term };
  readonly entries: readonly Entry[];
  readonly hardState: HardState;
  /** At the applied index, which may lie behind the base. */
  readonly conf: ConfState;
}

export class MemoryStorage implements RaftStorage {
  /** Makes a snapshot's place when Raft asks for one; the driver sets it. */
  snapshotSource: () => Snapshot | undefined = () => undefined;
  #base: { index: LogIndex; term: Term };
  #entries: Entry[];
  #bytes: number;
  #hardState: HardState;
  readonly #conf: ConfState;

  constructor(state?: MemoryStorageState) {
    this.#base = state?.base ?? { index: 0, term: 0 };
    this.#entries = [...(state?.entries ?? [])];
    this.#bytes = bytesOf(this.#entries);
    this.#hardState = state?.hardState ?? { term: 0, vote: 0n, commit: 0 };
    this.#conf = state?.conf ?? emptyConf;
  }

  initialState(): { hardState: HardState; conf: ConfState } {
    return { hardState: this.#hardState, conf: this.#conf };
  }

  firstIndex(): LogIndex {
    return this.#base.index + 1;
  }

  lastIndex(): LogIndex {
    return this.#base.index + this.#entries.length;
  }

  term(index: LogIndex): Term | 'compacted' | 'unavailable' {
    if (index < this.#base.index) return 'compacted';
    if (index === this.#base.index) return this.#base.term;
    return this.#entries[index - this.#base.index - 1]?.term ?? 'unavailable';
  }

  entries(from: LogIndex, to: LogIndex, maxBytes: number): readonly Entry[] | 'compacted' {
    if (from <= this.#base.index) return 'compacted';
    assert(to <= this.lastIndex() + 1, `entries up to ${to} asked for, the last is ${this.lastIndex()}`);
    const offset = this.#base.index + 1;
    return limitBytes(this.#entries, from - offset, to - offset, maxBytes);
  }

  snapshot(): Snapshot | undefined {
    return this.snapshotSource();
  }

  /** Durable entries; the first one replaces what was there from its index on. */
  append(entries: readonly Entry[]): void {
    const first = entries[0];
    if (first === undefined) return;
    const keep = first.index - this.firstIndex();
    assert(keep >= 0 && keep <= this.#entries.length, `entry ${first.index} does not follow ${this.lastIndex()}`);
    this.#bytes -= bytesOf(this.#entries.slice(keep));
    this.#entries.length = keep;
    for (const entry of entries) this.#entries.push(entry);
    this.#bytes += bytesOf(entries);
  }

  setHardState(hardState: HardState): void {
    this.#hardState = hardState;
  }

  /** Bytes of payload that are held. */
  get bytes(): number {
    return this.#bytes;
  }

  /** The highest index up to which entries can be forgotten so that the last `count`, but no more than `bytes` of them, stay. */
  compactableTo(count: number, bytes: number): LogIndex {
    let kept = 0;
    let at = this.#entries.length;
    while (at > 0 && this.#entries.length - at < count) {
      kept += this.#entries[at - 1]?.data.length ?? 0;
      if (kept > bytes) break;
      at--;
    }
    return this.#base.index + at;
  }

  /** Forgets entries up to `index`. */
  compact(index: LogIndex): void {
    if (index <= this.#base.index) return;
    const term = this.term(index);
    assert(typeof term === 'number', `cannot compact up to ${index}: ${term}`);
    const gone = this.#entries.splice(0, index - this.#base.index);
    this.#bytes -= bytesOf(gone);
    this.#base = { index, term };
  }

  /** A received snapshot replaces the whole log. */
  reset(meta: SnapshotMeta): void {
    this.#entries = [];
    this.#bytes = 0;
    this.#base = { index: meta.index, term: meta.term };
  }
}

// One compaction on its way: first what is superseded leaves the backend, in the order of revisions, and is hashed on its way (etcd
// answers HashKV at a compacted revision with that hash); then it leaves the index. Readers of such history are refused from the
// start, so nobody sees the halves.
import { limits } from '../limits.ts';
import type { Backend, StoredRecord } from './backend.ts';
import { type CompactionHash, HistoryHasher } from './history-hash.ts';
import type { KeyIndex } from './key-index.ts';
import { isTombstone, mainOf, subOf } from './revision.ts';
import { keyOfKv, LiveScan } from './revision-scan.ts';

export class Compaction {
  readonly revision: number;
  readonly #backend: Backend;
  readonly #index: KeyIndex;
  readonly #hasher: HistoryHasher | undefined;
  readonly #scan: LiveScan;
  readonly #hadValues: boolean;
  #scanned = false;
  #cursor: string | undefined = '';

  /**
   * At `revision`. `previous`: the revision of the compaction before (-1: none), or undefined where that one did not get to its
   * end: the history is not the same on all members then, and there is no hash.
   */
  constructor(backend: Backend, index: KeyIndex, revision: number, previous: number | undefined) {
    this.#backend = backend;
    this.#index = index;
    this.revision = revision;
    this.#scan = new LiveScan(backend, revision);
    this.#hadValues = index.hasValuesAt(revision);
    if (previous !== undefined) {
      this.#hasher = new HistoryHasher(index, revision, previous, index.keepsAt(revision));
    }
  }

  /** One step; false where it is done. */
  step(): boolean {
    if (!this.#scanned) {
      this.#scanned = !this.#scan.step((record) => this.#visit(record));
      return true;
    }
    if (this.#cursor !== undefined) {
      this.#cursor = this.#index.compact(this.revision, this.#cursor, limits.compactionStepKeys);
    }
    return this.#cursor !== undefined;
  }

  /** Of a compaction that is done. */
  hash(): CompactionHash | undefined {
    return this.#hasher && { ...this.#hasher.result(), hadValues: this.#hadValues };
  }

  #visit({ key: place, value }: StoredRecord): void {
    this.#hasher?.add(place, value);
    const main = mainOf(place);
    const sub = subOf(place);
    const tombstone = isTombstone(place);
    if (!this.#index.keeps(keyOfKv(value), { main, sub, tombstone }, this.revision)) this.#backend.remove(main, sub, tombstone);
  }
}

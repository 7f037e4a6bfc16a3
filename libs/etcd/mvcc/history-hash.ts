// The hash by which members compare their history: CRC-32C over stored revisions and values, as etcd's kvHasher computes it.
import { crc32c } from './crc32c.ts';
import type { KeyIndex } from './key-index.ts';
import { isTombstone, mainOf, subOf } from './revision.ts';
import { keyOfKv } from './revision-scan.ts';

export interface HashResult {
  readonly hash: number;
  readonly revision: number;
  /** -1 where nothing was compacted. Hashes are comparable where both revisions are equal. */
  readonly compactRevision: number;
}

/** Computed by a compaction. */
export interface CompactionHash extends HashResult {
  /**
   * Whether any key had a value at its revision. Where none had, etcd's hash covers everything that is left of the history or
   * nothing of it, by whether a compaction computed it: members that are not as far answer another one.
   */
  readonly hadValues: boolean;
}

const bucketName = Buffer.from('key');

/**
 * Of what is at or below `compactRevision` only the values at `revision` count, for the rest may be there or not; or all values
 * where `revision` has none. Everything after it counts.
 */
export class HistoryHasher {
  readonly #index: KeyIndex;
  readonly #revision: number;
  readonly #compactRevision: number;
  readonly #partly: boolean;
  #crc = crc32c(bucketName);

  /** `partly`: whether a compaction at `revision` would keep anything at or below it. */
  constructor(index: KeyIndex, revision: number, compactRevision: number, partly: boolean) {
    this.#index = index;
    this.#revision = revision;
    this.#compactRevision = compactRevision;
    this.#partly = partly;
  }

  /** Records in order; those after `revision` are not to be given. */
  add(place: Buffer, value: Buffer): void {
    if (mainOf(place) <= this.#compactRevision) {
      if (isTombstone(place)) return;
      const here = { main: mainOf(place), sub: subOf(place), tombstone: false };
      if (this.#partly && !this.#index.isValueAt(keyOfKv(value), here, this.#revision)) return;
    }
    this.#crc = crc32c(value, crc32c(place, this.#crc));
  }

  result(): HashResult {
    return { hash: this.#crc, revision: this.#revision, compactRevision: this.#compactRevision };
  }
}

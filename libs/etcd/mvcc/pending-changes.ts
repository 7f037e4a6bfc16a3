// Changes on their way to the disk, and what reads see because of them. Revisions are put in their order, and one that was removed
// does not come back: so what is stored and what is pending follow each other, but for a piece that both have while it is written.
import type { Bucket, StoredRecord } from './backend.ts';
import { encodeRevision } from './revision.ts';

/** What a bucket's key becomes; undefined removes it. */
export interface Change {
  readonly bucket: Bucket;
  readonly key: Buffer;
  readonly value: Uint8Array | undefined;
}

/** Room for the tree's own bytes, per change. */
const changeOverheadBytes = 64;
/** What a removal writes: the rest of its page, of which it is rarely the only one. */
const removalBytes = 2048;

/** What one commit writes. */
export class PendingChanges {
  readonly changes: Change[] = [];
  /** Revisions, by main, then sub. */
  readonly #values = new Map<number, (Buffer | undefined)[]>();
  /** In their order. */
  readonly #puts: StoredRecord[] = [];
  readonly #removed = new Set<string>();
  #bytes = 0;

  get bytes(): number {
    return this.#bytes;
  }

  /** Whether a revision is removed. */
  get removes(): boolean {
    return this.#removed.size > 0;
  }

  get(main: number, sub: number): Buffer | undefined {
    return this.#values.get(main)?.[sub];
  }

  put(main: number, sub: number, tombstone: boolean, value: Buffer): void {
    let subs = this.#values.get(main);
    if (subs === undefined) {
      subs = [];
      this.#values.set(main, subs);
    }
    subs[sub] = value;
    const record = { bucket: 'key', key: encodeRevision(main, sub, tombstone), value } as const;
    this.#puts.push(record);
    this.#add(record);
  }

  remove(main: number, sub: number, tombstone: boolean): void {
    const key = encodeRevision(main, sub, tombstone);
    this.#removed.add(nameOf(key));
    this.#bytes += removalBytes;
    this.#add({ bucket: 'key', key, value: undefined });
  }

  set(bucket: Bucket, key: Buffer, value: Uint8Array | undefined): void {
    this.#add({ bucket, key, value });
  }

  hasRemoved(key: Buffer): boolean {
    return this.#removed.size > 0 && this.#removed.has(nameOf(key));
  }

  /** Revisions that are put here, from `start` on (all where it is undefined). */
  *puts(start: Buffer | undefined): Iterable<StoredRecord> {
    let low = 0;
    for (let high = this.#puts.length; start !== undefined && low < high; ) {
      const middle = (low + high) >> 1;
      if ((this.#puts[middle]?.key.compare(start) ?? 0) < 0) low = middle + 1;
      else high = middle;
    }
    for (let i = low; i < this.#puts.length; i++) yield this.#puts[i] as StoredRecord;
  }

  /** These and no later ones. */
  frozen(): PendingChanges {
    const copy = new PendingChanges();
    copy.#bytes = this.#bytes;
    for (const change of this.changes) copy.changes.push(change);
    for (const put of this.#puts) copy.#puts.push(put);
    for (const key of this.#removed) copy.#removed.add(key);
    return copy;
  }

  #add(change: Change): void {
    this.changes.push(change);
    this.#bytes += change.key.length + (change.value?.length ?? 0) + changeOverheadBytes;
  }
}

/** Revisions from `start` up to before `end`, in order; `stored` are those of that range that are on the disk. */
export function* revisionsWith(
  stored: Iterable<StoredRecord>,
  pending: readonly PendingChanges[],
  start?: Buffer,
  end?: Buffer,
): Iterable<StoredRecord> {
  const isRemoved = (key: Buffer): boolean => pending.some((changes) => changes.hasRemoved(key));
  let last: Buffer | undefined;
  for (const record of stored) {
    last = record.key;
    if (!isRemoved(record.key)) yield record;
  }
  for (const changes of pending) {
    for (const record of changes.puts(last ?? start)) {
      if (end !== undefined && record.key.compare(end) >= 0) return;
      // What is being written may be on the disk already.
      if (last?.equals(record.key) !== true && !isRemoved(record.key)) yield record;
    }
  }
}

/** Small records of a bucket, in order. */
export function recordsWith(
  stored: Iterable<StoredRecord>,
  pending: readonly PendingChanges[],
  bucket: Bucket,
): Iterable<StoredRecord> {
  if (!pending.some(({ changes }) => changes.some((change) => change.bucket === bucket))) return stored;
  const records = new Map<string, StoredRecord>();
  for (const record of stored) records.set(nameOf(record.key), record);
  for (const { changes } of pending) {
    for (const { bucket: changed, key, value } of changes) {
      if (changed !== bucket) continue;
      if (value === undefined) records.delete(nameOf(key));
      else records.set(nameOf(key), { key, value: Buffer.from(value) });
    }
  }
  return [...records.values()].sort((a, b) => a.key.compare(b.key));
}

function nameOf(key: Buffer): string {
  return key.toString('latin1');
}

// Adapter: the backend on lmdb. Commits do not wait for the disk (`overlappingSync`): after a kill the newest commit is there,
// after a power failure the newest one that a `sync` has covered; lmdb keeps the pages of that one until then.
import { statfsSync } from 'node:fs';
import { type Database, open, type RootDatabase } from 'lmdb';
import { type Backend, type BackendSnapshot, type Bucket, buckets, type RecordBucket, type StoredRecord } from './backend.ts';
import { encodeRevision } from './revision.ts';

type Bytes = Database<Buffer, Buffer>;

interface BackendSizes {
  readonly totalBytes: number;
  readonly inUseBytes: number;
}

interface Change {
  readonly bucket: Bucket;
  readonly key: Buffer;
  readonly value: Uint8Array | undefined;
}

/** lmdb's flags: the function returns when the commit is visible, before it is on the disk. */
const commitFlags: number = 0x10002;
/** Room for the tree's own bytes, per change. */
const changeOverheadBytes = 64;
const pageBytes = 4096;
/** A commit that failed with less than this free, beyond what it had to write, is blamed on the space. */
const reserveBytes = 1 << 20;
const snapshotReadBatch = 256;

/** Opens or creates the backend in `folder`. Throws where the files cannot be used. */
export function openLmdbBackend(folder: string): Backend {
  return new LmdbBackend(folder);
}

/** The backend cannot be written. */
export class BackendError extends Error {
  override readonly name = 'BackendError';
}

class LmdbBackend implements Backend {
  readonly #folder: string;
  readonly #root: RootDatabase<Buffer, Buffer>;
  readonly #databases: Readonly<Record<Bucket, Bytes>>;
  /** Revisions not committed yet, by main, then sub. */
  #recent = new Map<number, (Buffer | undefined)[]>();
  #changes: Change[] = [];
  #pendingBytes = 0;
  /** Asking lmdb costs a transaction per bucket: asked once per commit. */
  #sizes: BackendSizes | undefined;
  beforeCommit: () => void = () => {};

  constructor(folder: string) {
    this.#folder = folder;
    this.#root = open<Buffer, Buffer>({
      path: folder,
      maxDbs: buckets.length,
      encoding: 'binary',
      keyEncoding: 'binary',
      overlappingSync: true,
      noMemInit: true,
    });
    const openBucket = (name: Bucket): Bytes =>
      this.#root.openDB<Buffer, Buffer>({ name, encoding: 'binary', keyEncoding: 'binary' });
    this.#databases = {
      key: openBucket('key'),
      meta: openBucket('meta'),
      lease: openBucket('lease'),
      member: openBucket('member'),
      alarm: openBucket('alarm'),
    };
  }

  get pendingBytes(): number {
    return this.#pendingBytes;
  }

  get(main: number, sub: number): Buffer | undefined {
    const recent = this.#recent.get(main)?.[sub];
    if (recent !== undefined) return recent;
    return this.#databases.key.getBinary(encodeRevision(main, sub));
  }

  put(main: number, sub: number, tombstone: boolean, value: Buffer): void {
    let subs = this.#recent.get(main);
    if (subs === undefined) {
      subs = [];
      this.#recent.set(main, subs);
    }
    subs[sub] = value;
    this.#change({ bucket: 'key', key: encodeRevision(main, sub, tombstone), value });
  }

  remove(main: number, sub: number, tombstone: boolean): void {
    this.#change({ bucket: 'key', key: encodeRevision(main, sub, tombstone), value: undefined });
  }

  setRecord(bucket: RecordBucket, key: string, value: Uint8Array | undefined): void {
    this.#change({ bucket, key: Buffer.from(key), value });
  }

  *records(bucket: RecordBucket): Iterable<StoredRecord> {
    this.commit();
    yield* this.#databases[bucket].getRange({});
  }

  *revisions(from: number, to: number): Iterable<StoredRecord> {
    if (this.#changes.length > 0) this.commit();
    yield* this.#databases.key.getRange({ start: encodeRevision(from, 0), end: encodeRevision(to + 1, 0) });
  }

  commit(): void {
    this.beforeCommit();
    const changes = this.#changes;
    if (changes.length === 0) return;
    this.#write(() => {
      for (const { bucket, key, value } of changes) {
        if (value === undefined) this.#databases[bucket].removeSync(key);
        else this.#databases[bucket].putSync(key, value as Buffer);
      }
    });
    this.#changes = [];
    this.#pendingBytes = 0;
    this.#recent = new Map();
  }

  sync(): Promise<void> {
    return new Promise((resolve, reject) => {
      const root = this.#root as unknown as { sync(callback: (error: unknown) => void): void };
      root.sync((error) => (error === null || error === undefined ? resolve() : reject(error)));
    });
  }

  snapshot(): BackendSnapshot {
    this.commit();
    const transaction = this.#root.useReadTransaction();
    return {
      entries: (bucket) => batched(this.#databases[bucket], transaction),
      release: () => transaction.done(),
    };
  }

  clear(meta: readonly { readonly key: string; readonly value: Uint8Array }[]): void {
    this.#changes = [];
    this.#pendingBytes = 0;
    this.#recent = new Map();
    this.#write(() => {
      for (const bucket of buckets) this.#databases[bucket].clearSync();
      for (const { key, value } of meta) this.#databases.meta.putSync(Buffer.from(key), value as Buffer);
    });
  }

  load(bucket: Bucket, records: readonly StoredRecord[]): void {
    this.#write(() => {
      for (const { key, value } of records) this.#databases[bucket].putSync(key, value);
    });
  }

  sizes(): BackendSizes {
    this.#sizes ??= this.#readSizes();
    return this.#sizes;
  }

  #readSizes(): BackendSizes {
    interface Tree {
      readonly treeBranchPageCount: number;
      readonly treeLeafPageCount: number;
      readonly overflowPages: number;
    }
    const pagesOf = (tree: Tree) => tree.treeBranchPageCount + tree.treeLeafPageCount + tree.overflowPages;
    const stats = this.#root.getStats() as { lastPageNumber: number; root: Tree };
    let used = 3 + pagesOf(stats.root);
    for (const bucket of buckets) used += pagesOf(this.#databases[bucket].getStats() as Tree);
    return { totalBytes: (stats.lastPageNumber + 1) * pageBytes, inUseBytes: used * pageBytes };
  }

  async close(): Promise<void> {
    await this.#root.close();
  }

  /** Throws BackendError. lmdb calls a full disk an input/output error: it only sees that less was written than it asked. */
  #write(body: () => void): void {
    this.#sizes = undefined;
    try {
      this.#root.transactionSync(body, commitFlags);
    } catch (cause) {
      const { bavail, bsize } = statfsSync(this.#folder);
      const full = bavail * bsize < this.#pendingBytes + reserveBytes;
      const reason = full ? 'no space left on the disk of the data directory: free some and start again' : String(cause);
      throw new BackendError(`cannot write the backend: ${reason}`, { cause });
    }
  }

  #change(change: Change): void {
    this.#changes.push(change);
    this.#pendingBytes += change.key.length + (change.value?.length ?? 0) + changeOverheadBytes;
  }
}

/** Reads in batches by key, so that no cursor stays open while the consumer waits. */
function* batched(database: Bytes, transaction: ReturnType<Bytes['useReadTransaction']>): Iterable<StoredRecord> {
  let after: Buffer | undefined;
  for (;;) {
    const batch = Array.from(
      database.getRange({
        ...(after === undefined ? {} : { start: after, exclusiveStart: true }),
        limit: snapshotReadBatch,
        transaction,
      }),
    );
    yield* batch;
    const last = batch.at(-1);
    if (last === undefined || batch.length < snapshotReadBatch) return;
    after = last.key;
  }
}

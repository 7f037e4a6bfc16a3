// Adapter: one lmdb file with the buckets in it. After a kill the newest commit is there, after a power failure the newest one that
// was synced (`overlappingSync`): lmdb keeps the pages of that one until then. It syncs at the end of every commit, in the thread that
// commits.
import { closeSync, openSync, statfsSync } from 'node:fs';
import { join } from 'node:path';
import { assert } from '@drydock/foundation/assert.ts';
import { type Database, open, type PutOptions, type RootDatabase } from 'lmdb';
import { type BackendSnapshot, type Bucket, buckets, type StoredRecord } from './backend.ts';
import { DataFileError, dataFile, prepareDataFile, syncFolder } from './lmdb-file.ts';
import { pageBytes, pagesAtMost } from './lmdb-growth.ts';
import { type LmdbPicture, newestPicture } from './lmdb-pages.ts';
import { LmdbRoom } from './lmdb-room.ts';
import type { Change } from './pending-changes.ts';

export type Bytes = Database<Buffer, Buffer>;

export interface BackendSizes {
  readonly totalBytes: number;
  readonly inUseBytes: number;
}

/** Pages of the file. */
interface FilePages {
  readonly total: number;
  readonly inUse: number;
  readonly branches: number;
}

/** lmdb's flags: the function returns when the commit is visible, before it is on the disk. */
const commitFlags: number = 0x10002;
/** lmdb's, for pages of that size. */
const keyBytesMax = 1978;
/** Pages that are neither in a tree nor free: two of the file's head, one of the free list. */
const fixedPages = 3;
/** What making all of them may take, each in a commit of its own. */
const pagesOfBuckets = 16 * buckets.length;
/** With less than this free a commit is not begun, and one that failed is blamed on the space. */
const reserveBytes = 1 << 20;
const noSpace = 'no space left on the disk of the data directory: free some and start again';
const snapshotReadBatch = 256;
/** How ranges copy a value out of lmdb: from Node's pool, at a third of the cost of a buffer of its own. */
const pooled = {
  encode: (value: Buffer): Buffer => value,
  decode: (bytes: Buffer, length: number): Buffer => {
    const value = Buffer.allocUnsafe(length);
    bytes.copy(value, 0, 0, length);
    return value;
  },
};
const appendFlag = { append: true };
const noFlags = {};

/** The backend cannot be written. */
export class BackendError extends Error {
  override readonly name = 'BackendError';
}

export class LmdbEnvironment {
  readonly folder: string;
  readonly #root: RootDatabase<Buffer, Buffer>;
  readonly #databases: Readonly<Record<Bucket, Bytes>>;
  /** Of the file, to be read without lmdb, whatever it is renamed to. */
  readonly #fd: number;
  /** Asking lmdb costs a transaction per bucket: asked once per commit. */
  #pages: FilePages | undefined;
  readonly #room: LmdbRoom;
  /** The last key of a revision, or one after it; undefined where it is not known. */
  #last: Buffer | undefined;
  #snapshots = 0;
  #idle: () => void = () => {};

  /** Opens or creates it. Throws DataFileError where what is there is damaged. */
  constructor(folder: string) {
    this.folder = folder;
    const file = join(folder, dataFile);
    try {
      prepareDataFile(file);
      this.#root = openRoot(folder);
    } catch (error) {
      throw openFailure(file, error);
    }
    this.#fd = openSync(file, 'r');
    this.#room = new LmdbRoom(file);
    try {
      const { lastPageNumber } = this.#root.getStats() as { lastPageNumber: number };
      this.#room.reachNow((lastPageNumber + 1 + pagesOfBuckets) * pageBytes);
      this.#databases = openBuckets(this.#root);
    } catch (error) {
      void this.close();
      throw openFailure(file, error);
    }
    // lmdb syncs the file that it makes, and not its name.
    syncFolder(folder);
  }

  get(bucket: Bucket, key: Buffer): Buffer | undefined {
    const value = this.peek(bucket, key);
    return value === undefined ? undefined : pooled.decode(value, value.length);
  }

  /** In the buffer that lmdb reads everything into: a fifth of what a buffer of its own costs. As `Backend.peek`. */
  peek(bucket: Bucket, key: Buffer): Buffer | undefined {
    return this.#databases[bucket].getBinaryFast(key);
  }

  /** In the order of their keys; not to be interleaved with writes. */
  *range(bucket: Bucket, start?: Buffer, end?: Buffer): Iterable<StoredRecord> {
    try {
      yield* this.#databases[bucket].getRange({
        ...(start === undefined ? {} : { start }),
        ...(end === undefined ? {} : { end }),
      });
    } catch (cause) {
      if (!(cause instanceof Error && 'code' in cause && typeof cause.code === 'number')) throw cause;
      throw new DataFileError(join(this.folder, dataFile), cause.message, { cause });
    }
  }

  /** All or nothing. Throws BackendError. */
  write(changes: readonly Change[]): void {
    const needed = this.#bytesAfter(changes);
    try {
      this.#room.reachNow(needed);
      this.#root.transactionSync(() => {
        for (const change of changes) {
          if (change.value === undefined) this.#databases[change.bucket].removeSync(change.key);
          else {
            const flags = this.#flagsOf(change.bucket, change.key);
            this.#databases[change.bucket].putSync(change.key, change.value as Buffer, flags);
          }
        }
      }, commitFlags);
    } catch (cause) {
      this.#last = undefined;
      throw this.#failure(cause);
    } finally {
      this.#pages = undefined;
    }
  }

  /**
   * As `write`, in a thread of lmdb's; nothing else may be written until it resolves. The values must stay as they are. Reads show
   * the changes from some moment before that.
   */
  async writeAside(changes: readonly Change[]): Promise<void> {
    // One that lmdb refuses when it is given to it would leave the others without it.
    const long = changes.find(({ key }) => key.length > keyBytesMax);
    if (long !== undefined) throw new BackendError(`a key of ${long.key.length} bytes in ${long.bucket}`);
    try {
      await this.#room.reach(this.#bytesAfter(changes));
      if (this.#isFull()) throw failure(noSpace);
      const written = new Set<Promise<boolean>>();
      for (const { bucket, key, value } of changes) {
        if (value === undefined) written.add(this.#databases[bucket].remove(key));
        else written.add(putWith(this.#databases[bucket], key, value as Buffer, this.#flagsOf(bucket, key)));
      }
      const results = await Promise.all(written);
      assert(!results.includes(false), 'a revision was not put behind the last one');
    } catch (error) {
      this.#last = undefined;
      throw error instanceof BackendError ? error : this.#failure(await causeOf(error));
    } finally {
      this.#pages = undefined;
    }
  }

  /** How long the file may be after a commit, at most. */
  #bytesAfter(changes: readonly Change[]): number {
    let last = this.#lastRevision();
    const isAppended = ({ bucket, key, value }: Change): boolean => {
      if (bucket !== 'key' || value === undefined || key.compare(last) <= 0) return false;
      last = key;
      return true;
    };
    const { total, inUse, branches } = this.#filePages();
    return (total + pagesAtMost(changes, { branches, free: total - inUse }, isAppended)) * pageBytes;
  }

  /** Revisions come in their order: told so, lmdb fills pages instead of splitting them in the middle. */
  #flagsOf(bucket: Bucket, key: Buffer): PutOptions {
    const append = bucket === 'key' && key.compare(this.#lastRevision()) > 0;
    if (append) this.#last = key;
    return append ? appendFlag : noFlags;
  }

  #lastRevision(): Buffer {
    this.#last ??= [...this.#databases.key.getKeys({ reverse: true, limit: 1 })][0] ?? Buffer.alloc(0);
    return this.#last;
  }

  /** Makes the writes so far survive a power failure. */
  sync(): Promise<void> {
    return new Promise((resolve, reject) => {
      const root = this.#root as unknown as { sync(callback: (error: unknown) => void): void };
      root.sync((error) => (error === null || error === undefined ? resolve() : reject(error)));
    });
  }

  snapshot(): BackendSnapshot & { readonly picture: LmdbPicture } {
    const transaction = this.#root.useReadTransaction();
    this.#snapshots++;
    let held = true;
    return {
      // Asked for after the transaction has begun: what lmdb keeps for that is not older.
      picture: newestPicture(this.#fd, pageBytes),
      entries: (bucket) => batched(this.#databases[bucket], transaction),
      release: () => {
        if (!held) return;
        held = false;
        transaction.done();
        this.#snapshots--;
        if (this.#snapshots === 0) this.#idle();
      },
    };
  }

  sizes(): BackendSizes {
    const { total, inUse } = this.#filePages();
    return { totalBytes: total * pageBytes, inUseBytes: inUse * pageBytes };
  }

  /** Waits for snapshots that are still being read. */
  async retire(): Promise<void> {
    if (this.#snapshots > 0) await new Promise<void>((resolve) => (this.#idle = resolve));
    await this.close();
  }

  async close(): Promise<void> {
    await this.#root.close();
    closeSync(this.#fd);
    this.#room.close();
  }

  #filePages(): FilePages {
    this.#pages ??= this.#readPages();
    return this.#pages;
  }

  #readPages(): FilePages {
    interface Tree {
      readonly treeBranchPageCount: number;
      readonly treeLeafPageCount: number;
      readonly overflowPages: number;
    }
    const stats = this.#root.getStats() as { lastPageNumber: number; root: Tree };
    const trees = [stats.root, ...buckets.map((bucket) => this.#databases[bucket].getStats() as Tree)];
    let inUse = fixedPages;
    let branches = 0;
    for (const { treeBranchPageCount, treeLeafPageCount, overflowPages } of trees) {
      inUse += treeBranchPageCount + treeLeafPageCount + overflowPages;
      branches += treeBranchPageCount;
    }
    return { total: stats.lastPageNumber + 1, inUse, branches };
  }

  /** All that helps on file systems on which room in the file is no promise. */
  #isFull(): boolean {
    const { bavail, bsize } = statfsSync(this.folder);
    return bavail * bsize < reserveBytes;
  }

  /** lmdb calls a full disk an input/output error: it only sees that less was written than it asked. */
  #failure(cause: unknown): BackendError {
    return failure(isNoSpace(cause) || this.#isFull() ? noSpace : String(cause), cause);
  }
}

function isNoSpace(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'ENOSPC' || error.code === 'EDQUOT');
}

function failure(reason: string, cause?: unknown): BackendError {
  return new BackendError(`cannot write the backend: ${reason}`, { cause });
}

/** The types of `lmdb` have the flags of `putSync` only. */
function putWith(database: Bytes, key: Buffer, value: Buffer, flags: PutOptions): Promise<boolean> {
  return (database.put as (key: Buffer, value: Buffer, flags: PutOptions) => Promise<boolean>).call(
    database,
    key,
    value,
    flags,
  );
}

/** lmdb rejects a write with an error whose cause it knows later. */
async function causeOf(error: unknown): Promise<unknown> {
  if (!(error instanceof Error && 'commitError' in error)) return error;
  return Promise.resolve(error.commitError).then(
    () => error,
    (cause) => cause,
  );
}

/** What is damaged says so, and what to do; a full disk is none. */
function openFailure(file: string, cause: unknown): Error {
  if (cause instanceof DataFileError) return cause;
  return isNoSpace(cause) ? failure(noSpace, cause) : new DataFileError(file, String(cause), { cause });
}

function openRoot(folder: string): RootDatabase<Buffer, Buffer> {
  return open<Buffer, Buffer>({
    path: folder,
    maxDbs: buckets.length,
    encoding: 'binary',
    keyEncoding: 'binary',
    overlappingSync: true,
    noMemInit: true,
  });
}

/** Makes those that are not there. */
function openBuckets(root: RootDatabase<Buffer, Buffer>): Readonly<Record<Bucket, Bytes>> {
  const options = { encoding: 'binary', keyEncoding: 'binary', encoder: pooled } as const;
  return Object.fromEntries(buckets.map((name) => [name, root.openDB<Buffer, Buffer>({ name, ...options })])) as Record<
    Bucket,
    Bytes
  >;
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

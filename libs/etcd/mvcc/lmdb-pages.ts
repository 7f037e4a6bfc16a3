// Adapter: reads the buckets of one commit from lmdb's file without lmdb, page by page: so a thread of its own can do it, and a record
// costs it a tenth of what a cursor of lmdb costs. Facts of lmdb's mdb.c (MDB_page, MDB_node, MDB_db, MDB_meta), data version 2.
import { readSync } from 'node:fs';
import type { Bucket, StoredRecord } from './backend.ts';

/** One commit in a file. Its pages stay as they are for as long as a read transaction is open that is not newer. */
export interface LmdbPicture {
  /** Open for reading; threads of one process share it. */
  readonly fd: number;
  readonly pageBytes: number;
  /** The tree of buckets; undefined where there is none. */
  readonly root: number | undefined;
}

export class LmdbPageError extends Error {
  override readonly name = 'LmdbPageError';
}

const pageHeaderBytes = 24;
const pageFlag = { branch: 0x01, leaf: 0x02, overflow: 0x04, meta: 0x08 } as const;
/** Of a node: lower and upper half of a size or a page number, flags, size of the key. */
const nodeHeaderBytes = 8;
const nodeFlag = { bigData: 0x01, subData: 0x02 } as const;
/** What a node has of a value on pages of its own: the first of them. */
const overflowReferenceBytes = 24;
/** Of a bucket's description, MDB_db. */
const databaseBytes = 48;
const rootAt = 40;
/** Of a meta page. */
const metaAt = { pageBytes: 48, mainRoot: 136, transaction: 152 } as const;
const metaBytes = 160;
/** The `lmdb` package ends the names of buckets as C does. */
const nameEnd = '\0';
const noPage = 0xffff_ffff_ffff_ffffn;
/** Leaves that lie behind each other are read at once. */
const runPagesMax = 32;

/** The newest commit. */
export function newestPicture(fd: number, pageBytes: number): LmdbPicture {
  let newest: { readonly transaction: bigint; readonly root: bigint } | undefined;
  for (const page of [0, 1]) {
    const meta = readAt(fd, page * pageBytes, metaBytes);
    if (meta.readUInt32LE(metaAt.pageBytes) !== pageBytes) throw new LmdbPageError(`page ${page} is no meta page`);
    const transaction = meta.readBigUInt64LE(metaAt.transaction);
    if (newest === undefined || transaction > newest.transaction) {
      newest = { transaction, root: meta.readBigUInt64LE(metaAt.mainRoot) };
    }
  }
  return { fd, pageBytes, root: newest === undefined ? undefined : pageOrNone(newest.root) };
}

export class LmdbPages {
  readonly #picture: LmdbPicture;
  #roots: ReadonlyMap<string, number | undefined> | undefined;

  constructor(picture: LmdbPicture) {
    this.#picture = picture;
  }

  /** In the order of their keys. Throws LmdbPageError where a page is not what it should be. */
  entries(bucket: Bucket): Iterable<StoredRecord> {
    this.#roots ??= this.#readRoots();
    return this.#tree(this.#roots.get(`${bucket}${nameEnd}`));
  }

  #readRoots(): Map<string, number | undefined> {
    const roots = new Map<string, number | undefined>();
    for (const { key, value } of this.#tree(this.#picture.root)) {
      if (value.length !== databaseBytes) continue;
      roots.set(key.toString('latin1'), pageOrNone(value.readBigUInt64LE(rootAt)));
    }
    return roots;
  }

  *#tree(root: number | undefined): Generator<StoredRecord> {
    if (root !== undefined) yield* this.#below([root]);
  }

  /** Of trees side by side. */
  *#below(pages: readonly number[]): Generator<StoredRecord> {
    for (let i = 0; i < pages.length; ) {
      let count = 1;
      while (count < runPagesMax && pages[i + count] === (pages[i] ?? 0) + count) count++;
      const run = this.#read(pages[i] ?? 0, count);
      for (let n = 0; n < count; n++) {
        const id = (pages[i] ?? 0) + n;
        const page = run.subarray(n * this.#picture.pageBytes, (n + 1) * this.#picture.pageBytes);
        const flags = page.readUInt16LE(18);
        if (flags === pageFlag.leaf && page.readBigUInt64LE(0) === BigInt(id)) yield* this.#leaf(page);
        else if (flags === pageFlag.branch && page.readBigUInt64LE(0) === BigInt(id)) yield* this.#below(childrenOf(page));
        else throw new LmdbPageError(`page ${id} has flags ${flags} and number ${page.readBigUInt64LE(0)}`);
      }
      i += count;
    }
  }

  *#leaf(page: Buffer): Generator<StoredRecord> {
    for (let i = 0, nodes = nodesOf(page); i < nodes; i++) {
      const node = nodeAt(page, i);
      const flags = page.readUInt16LE(node + 4);
      const keyAt = node + nodeHeaderBytes;
      const valueAt = keyAt + page.readUInt16LE(node + 6);
      const bytes = page.readUInt32LE(node);
      const key = page.subarray(keyAt, valueAt);
      if ((flags & nodeFlag.bigData) === 0) yield { key, value: page.subarray(valueAt, valueAt + bytes) };
      else yield { key, value: this.#overflow(page.subarray(valueAt, valueAt + overflowReferenceBytes), bytes) };
    }
  }

  #overflow(reference: Buffer, bytes: number): Buffer {
    const id = reference.readBigUInt64LE(0);
    const pages = Math.ceil((pageHeaderBytes + bytes) / this.#picture.pageBytes);
    const run = this.#read(Number(id), pages);
    if (run.readUInt16LE(18) !== pageFlag.overflow || run.readBigUInt64LE(0) !== id) {
      throw new LmdbPageError(`page ${id} is no overflow page`);
    }
    return run.subarray(pageHeaderBytes, pageHeaderBytes + bytes);
  }

  #read(page: number, count: number): Buffer {
    const { fd, pageBytes } = this.#picture;
    return readAt(fd, page * pageBytes, count * pageBytes);
  }
}

function pageOrNone(page: bigint): number | undefined {
  return page === noPage ? undefined : Number(page);
}

function nodesOf(page: Buffer): number {
  return page.readUInt16LE(20) >> 1;
}

function nodeAt(page: Buffer, index: number): number {
  return pageHeaderBytes + page.readUInt16LE(pageHeaderBytes + 2 * index);
}

function childrenOf(page: Buffer): number[] {
  return Array.from({ length: nodesOf(page) }, (_, i) => page.readUIntLE(nodeAt(page, i), 6));
}

function readAt(fd: number, offset: number, bytes: number): Buffer {
  const buffer = Buffer.allocUnsafeSlow(bytes);
  for (let read = 0; read < bytes; ) {
    const more = readSync(fd, buffer, read, bytes - read, offset + read);
    if (more === 0) throw new LmdbPageError(`the file ends before byte ${offset + bytes}`);
    read += more;
  }
  return buffer;
}

// The file format of bbolt, version 2: the database inside an etcd snapshot. Everything is little-endian. Pages 0 and 1 are meta
// pages, of which the valid one with the higher transaction counts; the tree of buckets starts at its root.
// Facts of go.etcd.io/bbolt (page.go, db.go, bucket.go).
import { BoltError } from './errors.ts';

export const pageFlag = { branch: 0x01, leaf: 0x02, meta: 0x04, freelist: 0x10 } as const;
/** A leaf element whose value is a bucket. */
export const bucketElementFlag = 0x01;
/** id, flags, count, overflow */
export const pageHeaderBytes = 16;
/** Of a leaf (flags, pos, key size, value size) and of a branch (pos, key size, page). */
export const elementBytes = 16;
/** root page, sequence; a root of 0 means that the bucket's page follows right here. */
export const bucketHeaderBytes = 16;
/** etcd makes its files with the page size of the system, which is this on the usual ones. */
export const pageBytesDefault = 4096;

const magic = 0xed0cdaed;
const version = 2;
const metaBytes = 64;
/** Offset of the checksum in a meta: it covers what comes before. */
const metaSumAt = 56;

export interface PageHeader {
  readonly id: number;
  readonly flags: number;
  readonly count: number;
  /** Pages that follow and belong to this one. */
  readonly overflow: number;
}

export interface Meta {
  readonly pageBytes: number;
  /** Page of the root bucket. */
  readonly root: number;
  readonly freelist: number;
  /** One more than the highest page in use. */
  readonly pages: number;
  readonly transaction: number;
}

export function writePageHeader(page: Buffer, header: PageHeader): void {
  page.writeBigUInt64LE(BigInt(header.id), 0);
  page.writeUInt16LE(header.flags, 8);
  page.writeUInt16LE(header.count, 10);
  page.writeUInt32LE(header.overflow, 12);
}

/** `id` is Infinity where it is larger than any file. */
export function readPageHeader(page: Buffer): PageHeader {
  return {
    id: readPageId(page, 0),
    flags: page.readUInt16LE(8),
    count: page.readUInt16LE(10),
    overflow: page.readUInt32LE(12),
  };
}

export function readPageId(buffer: Buffer, at: number): number {
  const id = Number(buffer.readBigUInt64LE(at));
  return Number.isSafeInteger(id) ? id : Infinity;
}

/** A whole meta page; `id` is 0 or 1. */
export function encodeMetaPage(id: number, meta: Meta): Buffer {
  const page = Buffer.alloc(meta.pageBytes);
  writePageHeader(page, { id, flags: pageFlag.meta, count: 0, overflow: 0 });
  const body = page.subarray(pageHeaderBytes, pageHeaderBytes + metaBytes);
  body.writeUInt32LE(magic, 0);
  body.writeUInt32LE(version, 4);
  body.writeUInt32LE(meta.pageBytes, 8);
  body.writeBigUInt64LE(BigInt(meta.root), 16);
  body.writeBigUInt64LE(BigInt(meta.freelist), 32);
  body.writeBigUInt64LE(BigInt(meta.pages), 40);
  body.writeBigUInt64LE(BigInt(meta.transaction), 48);
  body.writeBigUInt64LE(fnv64a(body.subarray(0, metaSumAt)), metaSumAt);
  return page;
}

/** Reads the meta at the start of `page`. Throws BoltError ('invalid', 'version', 'checksum'). */
export function decodeMetaPage(page: Buffer): Meta {
  if (page.length < pageHeaderBytes + metaBytes) throw new BoltError('invalid');
  const body = page.subarray(pageHeaderBytes, pageHeaderBytes + metaBytes);
  if (body.readUInt32LE(0) !== magic) throw new BoltError('invalid');
  if (body.readUInt32LE(4) !== version) throw new BoltError('version');
  if (body.readBigUInt64LE(metaSumAt) !== fnv64a(body.subarray(0, metaSumAt))) throw new BoltError('checksum');
  return {
    pageBytes: body.readUInt32LE(8),
    root: readPageId(body, 16),
    freelist: readPageId(body, 32),
    pages: readPageId(body, 40),
    transaction: Number(body.readBigUInt64LE(48)),
  };
}

/** http://www.isthe.com/chongo/tech/comp/fnv/: FNV-1a, 64 bits. */
export function fnv64a(bytes: Uint8Array): bigint {
  let hash = 0xcbf29ce484222325n;
  for (const byte of bytes) hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * 0x100000001b3n);
  return hash;
}

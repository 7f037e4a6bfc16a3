// The messages of etcd's v3 gRPC API that an apiserver uses, written by hand: every read and write of the cluster passes here,
// and values stay buffers. Field numbers are etcdserverpb's and mvccpb's.
import protobuf from 'protobufjs/minimal.js';

const { Reader, Writer } = protobuf;
type Reader = InstanceType<typeof Reader>;

/** A key of the store with its value. Revisions are whole numbers below 2^53. */
export interface KeyValue {
  readonly key: string;
  readonly value: Buffer;
  readonly createRevision: number;
  readonly modRevision: number;
  /** Changes since the key was made, 1 being its creation. */
  readonly version: number;
  /** Decimal: lease ids use all 64 bits. `0` is none. */
  readonly lease: string;
}

export interface RangeQuery {
  readonly key: string;
  readonly rangeEnd?: string;
  readonly limit?: number;
  readonly revision?: number;
  readonly serializable?: boolean;
  readonly keysOnly?: boolean;
  readonly countOnly?: boolean;
}

/**
 * What the header of an answer says of the store. In one history of the store, the revisions of linearizable answers never go
 * back. (Terms may: a member may have heard of an election that nobody won.)
 */
export interface StoreHeader {
  /** Decimal; empty where a store has none. */
  readonly clusterId: string;
  readonly revision: number;
}

export interface RangeResult extends StoreHeader {
  readonly kvs: KeyValue[];
  readonly more: boolean;
  readonly count: number;
}

/** What must hold of `key` before a transaction writes; a mod revision of 0 says that it is absent. */
export interface Guard {
  readonly key: string;
  readonly target: 'mod' | 'version';
  readonly equals: number;
}

export type WriteOp =
  | { readonly op: 'put'; readonly key: string; readonly value: Buffer; readonly lease?: string }
  | { readonly op: 'delete'; readonly key: string };

/** `writes` when all guards hold, otherwise a read of `otherwise`. */
export interface TxnQuery {
  readonly guards: readonly Guard[];
  readonly writes: readonly WriteOp[];
  readonly otherwise?: string;
}

export interface TxnResult extends StoreHeader {
  readonly succeeded: boolean;
  /** What `otherwise` holds, where a guard failed and the key exists. */
  readonly current: KeyValue | undefined;
}

export interface WatchCreate {
  readonly key: string;
  readonly rangeEnd: string;
  readonly startRevision: number;
}

export interface StoreEvent {
  readonly deleted: boolean;
  readonly kv: KeyValue;
}

export interface WatchResult {
  readonly revision: number;
  readonly created: boolean;
  readonly canceled: boolean;
  readonly compactRevision: number;
  readonly cancelReason: string;
  readonly fragment: boolean;
  readonly events: StoreEvent[];
}

/** A 64-bit whole number, which the reader gives as a Long where that package is present. */
function num(value: unknown): number {
  return typeof value === 'number' ? value : Number(String(value));
}

function writeRange(writer: protobuf.Writer, query: RangeQuery): protobuf.Writer {
  writer.uint32(10).string(query.key);
  if (query.rangeEnd !== undefined) writer.uint32(18).string(query.rangeEnd);
  if (query.limit) writer.uint32(24).int64(query.limit);
  if (query.revision) writer.uint32(32).int64(query.revision);
  if (query.serializable) writer.uint32(56).bool(true);
  if (query.keysOnly) writer.uint32(64).bool(true);
  if (query.countOnly) writer.uint32(72).bool(true);
  return writer;
}

export function encodeRange(query: RangeQuery): Buffer {
  return Buffer.from(writeRange(Writer.create(), query).finish());
}

export function encodeTxn(query: TxnQuery): Buffer {
  const writer = Writer.create();
  for (const guard of query.guards) {
    writer.uint32(10).fork();
    writer.uint32(16).int32(guard.target === 'mod' ? 2 : 0);
    writer.uint32(26).string(guard.key);
    writer.uint32(guard.target === 'mod' ? 48 : 32).int64(guard.equals);
    writer.ldelim();
  }
  for (const write of query.writes) {
    writer.uint32(18).fork();
    if (write.op === 'put') {
      writer.uint32(18).fork().uint32(10).string(write.key).uint32(18).bytes(write.value);
      if (write.lease !== undefined) writer.uint32(24).int64(write.lease);
    } else {
      writer.uint32(26).fork().uint32(10).string(write.key);
    }
    writer.ldelim().ldelim();
  }
  if (query.otherwise !== undefined) {
    writer.uint32(26).fork().uint32(10).fork();
    writeRange(writer, { key: query.otherwise });
    writer.ldelim().ldelim();
  }
  return Buffer.from(writer.finish());
}

/** Reads one message: `field` is given each field's number and returns false for those it does not know. */
function readMessage(reader: Reader, end: number, field: (number: number) => boolean): void {
  while (reader.pos < end) {
    const tag = reader.uint32();
    if (!field(tag >>> 3)) reader.skipType(tag & 7);
  }
}

function nested(reader: Reader): number {
  const length = reader.uint32();
  return reader.pos + length;
}

const noHeader: StoreHeader = { clusterId: '', revision: 0 };

function readHeader(reader: Reader): StoreHeader {
  const header = { clusterId: '', revision: 0 };
  readMessage(reader, nested(reader), (number) => {
    if (number === 1) header.clusterId = reader.uint64().toString();
    else if (number === 3) header.revision = num(reader.int64());
    else return false;
    return true;
  });
  return header;
}

function readKeyValue(reader: Reader): KeyValue {
  const kv = { key: '', value: Buffer.alloc(0) as Buffer, createRevision: 0, modRevision: 0, version: 0, lease: '0' };
  readMessage(reader, nested(reader), (number) => {
    if (number === 1) kv.key = reader.string();
    else if (number === 2) kv.createRevision = num(reader.int64());
    else if (number === 3) kv.modRevision = num(reader.int64());
    else if (number === 4) kv.version = num(reader.int64());
    else if (number === 5) kv.value = reader.bytes() as Buffer;
    else if (number === 6) kv.lease = reader.int64().toString();
    else return false;
    return true;
  });
  return kv;
}

function readRange(reader: Reader, end: number): RangeResult {
  const result = { ...noHeader, kvs: [] as KeyValue[], more: false, count: 0 };
  readMessage(reader, end, (number) => {
    if (number === 1) Object.assign(result, readHeader(reader));
    else if (number === 2) result.kvs.push(readKeyValue(reader));
    else if (number === 3) result.more = reader.bool();
    else if (number === 4) result.count = num(reader.int64());
    else return false;
    return true;
  });
  return result;
}

export function decodeRange(bytes: Buffer): RangeResult {
  return readRange(Reader.create(bytes), bytes.length);
}

export function decodeTxn(bytes: Buffer): TxnResult {
  const reader = Reader.create(bytes);
  let header: StoreHeader = noHeader;
  let succeeded = false;
  let current: KeyValue | undefined;
  readMessage(reader, bytes.length, (number) => {
    if (number === 1) header = readHeader(reader);
    else if (number === 2) succeeded = reader.bool();
    else if (number === 3) {
      readMessage(reader, nested(reader), (op) => {
        if (op !== 1) return false;
        current = readRange(reader, nested(reader)).kvs[0];
        return true;
      });
    } else return false;
    return true;
  });
  return { ...header, succeeded, current };
}

export function encodeCompaction(revision: number): Buffer {
  return Buffer.from(Writer.create().uint32(8).int64(revision).finish());
}

export function encodeLeaseGrant(ttlSeconds: number): Buffer {
  return Buffer.from(Writer.create().uint32(8).int64(ttlSeconds).finish());
}

/** The id of a granted lease, decimal. */
export function decodeLeaseGrant(bytes: Buffer): string {
  const reader = Reader.create(bytes);
  let id = '0';
  readMessage(reader, bytes.length, (number) => {
    if (number !== 2) return false;
    id = reader.int64().toString();
    return true;
  });
  return id;
}

/** A create request, or a request for progress. */
export function encodeWatch(request: WatchCreate | 'progress'): Buffer {
  const writer = Writer.create();
  if (request === 'progress') {
    writer.uint32(26).fork().ldelim();
  } else {
    writer.uint32(10).fork().uint32(10).string(request.key).uint32(18).string(request.rangeEnd);
    writer.uint32(24).int64(request.startRevision).uint32(32).bool(true);
    writer.ldelim();
  }
  return Buffer.from(writer.finish());
}

export function decodeWatch(bytes: Buffer): WatchResult {
  const reader = Reader.create(bytes);
  const events: StoreEvent[] = [];
  const result = {
    revision: 0,
    created: false,
    canceled: false,
    compactRevision: 0,
    cancelReason: '',
    fragment: false,
    events,
  };
  readMessage(reader, bytes.length, (number) => {
    if (number === 1) result.revision = readHeader(reader).revision;
    else if (number === 3) result.created = reader.bool();
    else if (number === 4) result.canceled = reader.bool();
    else if (number === 5) result.compactRevision = num(reader.int64());
    else if (number === 6) result.cancelReason = reader.string();
    else if (number === 7) result.fragment = reader.bool();
    else if (number === 11) events.push(readEvent(reader));
    else return false;
    return true;
  });
  return result;
}

function readEvent(reader: Reader): StoreEvent {
  let deleted = false;
  let kv: KeyValue | undefined;
  readMessage(reader, nested(reader), (number) => {
    if (number === 1) deleted = reader.int32() === 1;
    else if (number === 2) kv = readKeyValue(reader);
    else return false;
    return true;
  });
  return { deleted, kv: kv ?? { key: '', value: Buffer.alloc(0), createRevision: 0, modRevision: 0, version: 0, lease: '0' } };
}

/** The end of the range of all keys that start with `prefix`. */
export function prefixEnd(prefix: string): string {
  const last = prefix.charCodeAt(prefix.length - 1);
  return prefix.slice(0, -1) + String.fromCharCode(last + 1);
}

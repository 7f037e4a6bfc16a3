// Range: which key-values, filtered, sorted and cut as the request says. The semantics are etcd's applyRange.
import { EtcdError } from '../errors.ts';
import {
  HeaderOnly,
  KeyValue,
  type RangeRequest,
  RangeResponse,
  type ResponseHeader,
  sortOrder,
  sortTarget,
} from '../rpc/messages.ts';
import { decode, encode, encodeBy, writeFields } from '../rpc/protobuf.ts';
import { keyRange } from './key-range.ts';
import type { MvccStore } from './store.ts';

const MoreAndCount = { more: RangeResponse.more, count: RangeResponse.count };
/** Key-values after which the room for the others is estimated, and a little more than that. */
const measuredKvs = 8;
const spareRoom = 1.05;
const reservedBytesMax = 4 << 20;

/** Throws what a request is refused for without looking at any state. */
export function checkRange(request: RangeRequest): void {
  if (request.key === '') throw new EtcdError('emptyKey');
  if (request.sort_order > 2 || request.sort_target > 4) throw new EtcdError('invalidSort');
}

/** What is found before anything of it is read: where the key-values are, as main and sub in turn, and how many keys there are. */
interface Found {
  readonly places: number[];
  readonly count: number;
  readonly filtered: boolean;
  readonly sorted: boolean;
  readonly descending: boolean;
}

/** Throws `compacted` or `futureRevision`. */
function find(store: MvccStore, request: RangeRequest, current: number): Found {
  const revision = store.checkRevision(request.revision, current);
  const range = keyRange(request.key, request.range_end);
  const filtered =
    request.min_mod_revision !== 0 ||
    request.max_mod_revision !== 0 ||
    request.min_create_revision !== 0 ||
    request.max_create_revision !== 0;
  const order =
    request.sort_order === sortOrder.none && request.sort_target !== sortTarget.key ? sortOrder.ascend : request.sort_order;
  const descending = order === sortOrder.descend;
  const sorted = descending || (order === sortOrder.ascend && request.sort_target !== sortTarget.key);
  // As in etcd, a request that names a target but no order is cut before it is sorted.
  const whole = filtered || (sorted && request.sort_order !== sortOrder.none) || request.limit <= 0;
  const wanted = request.count_only ? 0 : whole ? Infinity : request.limit + 1;
  const places: number[] = [];
  const count = store.select(range, revision, wanted, (main, sub) => places.push(main, sub));
  return { places, count, filtered, sorted, descending };
}

/** Throws `compacted` or `futureRevision`. `current` is the revision that "now" means. */
export function executeRange(store: MvccStore, request: RangeRequest, current = store.revision): RangeResponse {
  return respond(store, request, find(store, request, current), headerAt(current));
}

/**
 * The same, encoded, with this header. What is sent as it is stored, and all of a range usually is, is copied once: from the backend
 * into the message.
 */
export function encodeRange(store: MvccStore, request: RangeRequest, header: ResponseHeader): Buffer {
  const found = find(store, request, store.revision);
  if (found.filtered || found.sorted || request.keys_only) return encode(RangeResponse, respond(store, request, found, header));
  const { places, count } = found;
  const more = request.limit > 0 && places.length > 2 * request.limit;
  const end = more ? 2 * request.limit : places.length;
  return encodeBy((writer) => {
    writeFields(HeaderOnly, { header }, writer);
    const start = writer.length;
    for (let i = 0; i < end; i += 2) {
      if (i === 2 * measuredKvs) writer.reserve(roomFor(end / 2 - measuredKvs, (writer.length - start) / measuredKvs));
      writer.copiedField(RangeResponse.kvs.number, store.peekAt(places[i] as number, places[i + 1] as number));
    }
    writeFields(MoreAndCount, { more, count }, writer);
  });
}

/** Values of a range tend to be alike: room for all of them is made once. */
function roomFor(kvs: number, averageBytes: number): number {
  return Math.min(Math.ceil(kvs * averageBytes * spareRoom), reservedBytesMax);
}

function respond(store: MvccStore, request: RangeRequest, found: Found, header: ResponseHeader): RangeResponse {
  const { places, count, filtered, sorted, descending } = found;
  let kvs: Buffer[] = [];
  for (let i = 0; i < places.length; i += 2) kvs.push(store.kvAt(places[i] as number, places[i + 1] as number));
  if (filtered) kvs = kvs.filter((kv) => passes(decode(KeyValue, kv), request));
  if (sorted) kvs = sortKvs(kvs, request.sort_target, descending);
  const more = request.limit > 0 && kvs.length > request.limit;
  if (more) kvs.length = request.limit;
  if (request.keys_only) kvs = kvs.map(withoutValue);
  return { header, kvs, more, count };
}

export function headerAt(revision: number) {
  return { cluster_id: 0n, member_id: 0n, revision, raft_term: 0 };
}

function passes(kv: KeyValue, request: RangeRequest): boolean {
  const within = (value: number, min: number, max: number) => (min === 0 || value >= min) && (max === 0 || value <= max);
  return (
    within(kv.mod_revision, request.min_mod_revision, request.max_mod_revision) &&
    within(kv.create_revision, request.min_create_revision, request.max_create_revision)
  );
}

function sortKvs(kvs: readonly Buffer[], target: number, descending: boolean): Buffer[] {
  const sign = descending ? -1 : 1;
  const rows = kvs.map((kv) => ({ kv, fields: decode(KeyValue, kv) }));
  rows.sort((a, b) => sign * compareBy(a.fields, b.fields, target));
  return rows.map((row) => row.kv);
}

function compareBy(a: KeyValue, b: KeyValue, target: number): number {
  switch (target) {
    case sortTarget.version:
      return a.version - b.version;
    case sortTarget.create:
      return a.create_revision - b.create_revision;
    case sortTarget.mod:
      return a.mod_revision - b.mod_revision;
    case sortTarget.value:
      return Buffer.compare(a.value, b.value);
    default:
      return a.key < b.key ? -1 : a.key > b.key ? 1 : 0;
  }
}

const noValue = Buffer.alloc(0);

function withoutValue(kv: Buffer): Buffer {
  return encode(KeyValue, { ...decode(KeyValue, kv), value: noValue });
}

// Range: which key-values, filtered, sorted and cut as the request says. The semantics are etcd's applyRange.
import { EtcdError } from '../errors.ts';
import { KeyValue, type RangeRequest, type RangeResponse, sortOrder, sortTarget } from '../rpc/messages.ts';
import { decode, encode } from '../rpc/protobuf.ts';
import { keyRange } from './key-range.ts';
import type { MvccStore } from './store.ts';

/** Throws what a request is refused for without looking at any state. */
export function checkRange(request: RangeRequest): void {
  if (request.key === '') throw new EtcdError('emptyKey');
  if (request.sort_order > 2 || request.sort_target > 4) throw new EtcdError('invalidSort');
}

/** Throws `compacted` or `futureRevision`. `current` is the revision that "now" means. */
export function executeRange(store: MvccStore, request: RangeRequest, current = store.revision): RangeResponse {
  const revision = store.checkRevision(request.revision, current);
  const range = keyRange(request.key, request.range_end);
  const filtered =
    request.min_mod_revision !== 0 ||
    request.max_mod_revision !== 0 ||
    request.min_create_revision !== 0 ||
    request.max_create_revision !== 0;
  const order =
    request.sort_order === sortOrder.none && request.sort_target !== sortTarget.key ? sortOrder.ascend : request.sort_order;
  const sorted = order === sortOrder.descend || (order === sortOrder.ascend && request.sort_target !== sortTarget.key);
  // As in etcd, a request that names a target but no order is cut before it is sorted.
  const whole = filtered || request.sort_order !== sortOrder.none || request.limit <= 0;
  const wanted = request.count_only ? 0 : whole ? Infinity : request.limit + 1;

  let kvs: Buffer[] = [];
  let count = 0;
  store.scan(range, revision, (_entry, main, sub) => {
    if (count++ < wanted) kvs.push(store.kvAt(main, sub));
    return true;
  });
  if (filtered) kvs = kvs.filter((kv) => passes(decode(KeyValue, kv), request));
  if (sorted) kvs = sortKvs(kvs, request.sort_target, order === sortOrder.descend);
  const more = request.limit > 0 && kvs.length > request.limit;
  if (more) kvs.length = request.limit;
  if (request.keys_only) kvs = kvs.map(withoutValue);
  return { header: headerAt(current), kvs, more, count };
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

// Requests and answers of a history in the messages of the API, both ways.
import {
  type Compare as CompareMessage,
  type DeleteRangeResponse,
  KeyValue as KeyValueMessage,
  type PutResponse,
  type RangeResponse,
  type RequestOp,
  type ResponseOp,
  type TxnResponse,
  type WatchCreateRequest,
} from '@drydock/etcd/rpc/messages.ts';
import type { MessageOf } from '@drydock/etcd/rpc/protobuf.ts';
import { decode, int, message } from '@drydock/etcd/rpc/protobuf.ts';
import type {
  Compare,
  CompareTarget,
  DeleteResponse as DeleteAnswer,
  DeleteRequest,
  KeyValue,
  PutResponse as PutAnswer,
  PutRequest,
  RangeResponse as RangeAnswer,
  RangeRequest,
  TxnResponse as TxnAnswer,
  TxnOp,
} from '../history/operation.ts';
import type { WatchEvent, WatchRequest } from '../history/watch.ts';

const bytes = (text: string): Buffer => Buffer.from(text, 'latin1');

export function rangeMessage(request: RangeRequest) {
  return {
    key: request.key,
    range_end: request.end ?? '',
    limit: request.limit ?? 0,
    revision: request.revision ?? 0,
    serializable: request.serializable ?? false,
    keys_only: request.keysOnly ?? false,
    count_only: request.countOnly ?? false,
    sort_order: 0,
    sort_target: 0,
    min_mod_revision: 0,
    max_mod_revision: 0,
    min_create_revision: 0,
    max_create_revision: 0,
  };
}

export function putMessage(request: PutRequest) {
  return {
    key: request.key,
    value: request.ignoreValue ? Buffer.alloc(0) : bytes(request.value),
    lease: BigInt(request.lease ?? '0'),
    prev_kv: request.prevKv ?? false,
    ignore_value: request.ignoreValue ?? false,
    ignore_lease: request.ignoreLease ?? false,
  };
}

export function deleteMessage(request: DeleteRequest) {
  return { key: request.key, range_end: request.end ?? '', prev_kv: request.prevKv ?? false };
}

const results = { '=': 0, '>': 1, '<': 2, '!=': 3 } as const;
const targets: Readonly<Record<CompareTarget, number>> = { version: 0, createRevision: 1, modRevision: 2, value: 3, lease: 4 };

export function compareMessage({ key, end, target, is, to }: Compare): MessageOf<typeof CompareMessage> {
  const amount = target === 'value' ? 0 : Number(to);
  return {
    key,
    range_end: end ?? '',
    result: results[is],
    target: targets[target],
    version: target === 'version' ? amount : 0,
    create_revision: target === 'createRevision' ? amount : 0,
    mod_revision: target === 'modRevision' ? amount : 0,
    value: target === 'value' ? bytes(to) : Buffer.alloc(0),
    lease: target === 'lease' ? BigInt(to) : 0n,
  };
}

export function opMessage(op: TxnOp): RequestOp {
  return {
    request_range: op.kind === 'range' ? rangeMessage(op) : undefined,
    request_put: op.kind === 'put' ? putMessage(op) : undefined,
    request_delete_range: op.kind === 'delete' ? deleteMessage(op) : undefined,
    request_txn: undefined,
  };
}

/** From the encoded form in which answers carry it. */
export function keyValueOf(encoded: Buffer): KeyValue {
  return plain(decode(KeyValueMessage, encoded));
}

function plain(kv: MessageOf<typeof KeyValueMessage>): KeyValue {
  return {
    key: kv.key,
    value: kv.value.toString('latin1'),
    createRevision: kv.create_revision,
    modRevision: kv.mod_revision,
    version: kv.version,
    lease: String(kv.lease),
  };
}

export function rangeAnswer(response: RangeResponse, revision: number): RangeAnswer {
  return { kind: 'range', revision, kvs: response.kvs.map(keyValueOf), count: response.count, more: response.more };
}

export function putAnswer(response: PutResponse, revision: number): PutAnswer {
  const previous = response.prev_kv.length === 0 ? {} : { previous: keyValueOf(response.prev_kv) };
  return { kind: 'put', revision, ...previous };
}

export function deleteAnswer(response: DeleteRangeResponse, revision: number): DeleteAnswer {
  return { kind: 'delete', revision, deleted: response.deleted, previous: response.prev_kvs.map(keyValueOf) };
}

export function txnAnswer(response: TxnResponse, revision: number): TxnAnswer {
  return { kind: 'txn', revision, succeeded: response.succeeded, responses: response.responses.map(opAnswer) };
}

function opAnswer(op: ResponseOp): RangeAnswer | PutAnswer | DeleteAnswer {
  const { response_range: range, response_put: put, response_delete_range: deleted } = op;
  if (range !== undefined) return rangeAnswer(range, range.header?.revision ?? 0);
  if (put !== undefined) return putAnswer(put, put.header?.revision ?? 0);
  if (deleted !== undefined) return deleteAnswer(deleted, deleted.header?.revision ?? 0);
  throw new RangeError('an answer in a transaction that is none of range, put, delete');
}

const Event = { type: int(1), kv: message(2, KeyValueMessage), prev_kv: message(3, KeyValueMessage) };

export function eventOf(encoded: Buffer): WatchEvent {
  const { type, kv, prev_kv: previous } = decode(Event, encoded);
  if (kv === undefined) throw new RangeError('an event without a key-value');
  return {
    kind: type === 1 ? 'delete' : 'put',
    kv: plain(kv),
    ...(previous === undefined ? {} : { previous: plain(previous) }),
  };
}

/** The server chooses the id. With `fragment` it may send the events of one revision in parts. */
export function watchCreateOf(request: WatchRequest, fragment: boolean): WatchCreateRequest {
  return {
    key: request.key,
    range_end: request.end ?? '',
    start_revision: request.startRevision,
    progress_notify: request.progressNotify,
    filters: [...(request.noPut ? [0] : []), ...(request.noDelete ? [1] : [])],
    prev_kv: request.prevKv,
    watch_id: 0,
    fragment,
  };
}

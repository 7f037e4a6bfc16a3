// Put, DeleteRange and Txn on the store. All checks that depend on state come before the first change, so that a request
// either happens whole or not at all, and every member decides alike.
import { EtcdError } from '../errors.ts';
import {
  type Compare,
  compareResult,
  compareTarget,
  type DeleteRangeRequest,
  type DeleteRangeResponse,
  KeyValue,
  type PutRequest,
  type PutResponse,
  type RequestOp,
  type ResponseOp,
  TxnRequest,
  TxnResponse,
} from '../rpc/messages.ts';
import { decode, decodeLogged, encode } from '../rpc/protobuf.ts';
import { keyRange } from './key-range.ts';
import { executeRange, headerAt } from './range.ts';
import type { MvccStore, WriteTxn } from './store.ts';

const noBytes = Buffer.alloc(0);

export interface KvContext {
  readonly store: MvccStore;
  leaseExists(id: bigint): boolean;
}

export function applyPut(context: KvContext, request: PutRequest): PutResponse {
  // The other way round than in a transaction: which of two errors a client sees is etcd's choice.
  checkPutLease(context, request);
  checkPutKey(context, request);
  return context.store.write((txn) => put(context.store, txn, request));
}

export function applyDelete(context: KvContext, request: DeleteRangeRequest): DeleteRangeResponse {
  return context.store.write((txn) => deleteRange(context.store, txn, request));
}

/** Also for read-only transactions, which change nothing then. */
export function applyTxn(context: KvContext, request: TxnRequest): TxnResponse {
  const plan = choose(context.store, request);
  checkPlan(context, plan);
  return context.store.write((txn) => run(context.store, txn, plan));
}

/** Whether a transaction can be served like a read. */
export function isReadOnly(request: TxnRequest): boolean {
  return [...request.success, ...request.failure].every(
    (op) =>
      op.request_put === undefined &&
      op.request_delete_range === undefined &&
      (op.request_txn === undefined || isReadOnly(decodeLogged(TxnRequest, op.request_txn))),
  );
}

/** Whether all its reads may be served from this member as it is. */
export function isSerializable(request: TxnRequest): boolean {
  return [...request.success, ...request.failure].every((op) => op.request_range?.serializable === true);
}

function checkPutKey(context: KvContext, request: PutRequest): void {
  if ((request.ignore_value || request.ignore_lease) && context.store.entry(request.key) === undefined) {
    throw new EtcdError('keyNotFound');
  }
}

function checkPutLease(context: KvContext, request: PutRequest): void {
  if (request.lease !== 0n && !context.leaseExists(request.lease)) throw new EtcdError('leaseNotFound');
}

function put(store: MvccStore, txn: WriteTxn, request: PutRequest): PutResponse {
  const before = store.entry(request.key);
  const previous =
    before !== undefined && (request.prev_kv || request.ignore_value) ? store.kvAt(before.main, before.sub) : undefined;
  const value = request.ignore_value && previous !== undefined ? decode(KeyValue, previous).value : request.value;
  const lease = request.ignore_lease ? store.leaseOf(request.key) : request.lease;
  txn.put(request.key, value, lease);
  return { header: headerAt(txn.main), prev_kv: request.prev_kv && previous !== undefined ? previous : noBytes };
}

function deleteRange(store: MvccStore, txn: WriteTxn, request: DeleteRangeRequest): DeleteRangeResponse {
  const range = keyRange(request.key, request.range_end);
  const previous: Buffer[] = [];
  if (request.prev_kv) {
    store.scan(range, txn.main, (_entry, main, sub) => {
      previous.push(store.kvAt(main, sub));
      return true;
    });
  }
  const deleted = txn.deleteRange(range);
  return { header: headerAt(txn.readRevision), deleted, prev_kvs: previous };
}

/** A transaction whose branches are decided, nested ones too: all compares see the state before the first change. */
interface Plan {
  readonly succeeded: boolean;
  readonly request: TxnRequest;
  /** In the order of the nested transactions of the chosen branch. */
  readonly nested: readonly Plan[];
}

function choose(store: MvccStore, request: TxnRequest): Plan {
  const succeeded = request.compare.every((compare) => holds(store, compare));
  const nested: Plan[] = [];
  for (const op of succeeded ? request.success : request.failure) {
    if (op.request_txn !== undefined) nested.push(choose(store, decodeLogged(TxnRequest, op.request_txn)));
  }
  return { succeeded, request, nested };
}

function branchOf(plan: Plan) {
  return plan.succeeded ? plan.request.success : plan.request.failure;
}

/** All puts are looked at before the first range is, each in the order in which they would run: so it is in etcd. */
function checkPlan(context: KvContext, plan: Plan): void {
  visitPlan(plan, (op) => {
    if (op.request_put === undefined) return;
    checkPutKey(context, op.request_put);
    checkPutLease(context, op.request_put);
  });
  visitPlan(plan, (op) => {
    if (op.request_range === undefined) return;
    const { revision } = op.request_range;
    // Below 0 is "now" outside of a transaction only.
    if (revision < 0 && revision < context.store.compactRevision) throw new EtcdError('compacted');
    context.store.checkRevision(revision);
  });
}

function visitPlan(plan: Plan, visit: (op: RequestOp) => void): void {
  let next = 0;
  for (const op of branchOf(plan)) {
    const nested = op.request_txn === undefined ? undefined : plan.nested[next++];
    if (nested === undefined) visit(op);
    else visitPlan(nested, visit);
  }
}

function run(store: MvccStore, txn: WriteTxn, plan: Plan): TxnResponse {
  const responses: ResponseOp[] = [];
  let next = 0;
  for (const op of branchOf(plan)) {
    const response: ResponseOp = {
      response_range: undefined,
      response_put: undefined,
      response_delete_range: undefined,
      response_txn: undefined,
    };
    const nested = plan.nested[next];
    if (op.request_range !== undefined) response.response_range = executeRange(store, op.request_range, txn.readRevision);
    else if (op.request_put !== undefined) response.response_put = put(store, txn, op.request_put);
    else if (op.request_delete_range !== undefined)
      response.response_delete_range = deleteRange(store, txn, op.request_delete_range);
    else if (nested !== undefined) {
      next++;
      // Only the outermost header says the revision, as etcd has it.
      response.response_txn = encode(TxnResponse, { ...run(store, txn, nested), header: headerAt(0) });
    }
    responses.push(response);
  }
  return { header: headerAt(txn.readRevision), succeeded: plan.succeeded, responses };
}

/** How a key that is not there compares. */
const noKv: KeyValue = { key: '', create_revision: 0, mod_revision: 0, version: 0, value: noBytes, lease: 0n };

/** Whether a compare holds for every key of its range; a range without keys is compared as a key that is not there. */
function holds(store: MvccStore, compare: Compare): boolean {
  let result = true;
  let seen = false;
  store.scan(keyRange(compare.key, compare.range_end), store.revision, (_entry, main, sub) => {
    seen = true;
    // What nearly all ask (the apiserver does), and the index knows it.
    const kv = compare.target === compareTarget.mod ? { ...noKv, mod_revision: main } : decode(KeyValue, store.kvAt(main, sub));
    result = compareKv(compare, kv);
    return result;
  });
  if (seen) return result;
  if (compare.target === compareTarget.value) return false;
  return compareKv(compare, noKv);
}

function compareKv(compare: Compare, kv: KeyValue): boolean {
  const order = orderOf(compare, kv);
  switch (compare.result) {
    case compareResult.equal:
      return order === 0;
    case compareResult.notEqual:
      return order !== 0;
    case compareResult.greater:
      return order > 0;
    case compareResult.less:
      return order < 0;
    default:
      return true;
  }
}

function orderOf(compare: Compare, kv: KeyValue): number {
  switch (compare.target) {
    case compareTarget.version:
      return kv.version - compare.version;
    case compareTarget.create:
      return kv.create_revision - compare.create_revision;
    case compareTarget.mod:
      return kv.mod_revision - compare.mod_revision;
    case compareTarget.value:
      return Buffer.compare(kv.value, compare.value);
    case compareTarget.lease:
      return kv.lease < compare.lease ? -1 : kv.lease > compare.lease ? 1 : 0;
    default:
      return 0;
  }
}

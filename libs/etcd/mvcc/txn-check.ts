// What put, delete and transaction requests are refused for before they are proposed: the same on every member, whatever its state.
import { EtcdError } from '../errors.ts';
import { limits } from '../limits.ts';
import { type DeleteRangeRequest, type PutRequest, type RequestOp, TxnRequest } from '../rpc/messages.ts';
import { decode } from '../rpc/protobuf.ts';
import { type KeyRange, keyRange, rangeContains } from './key-range.ts';
import { checkRange } from './range.ts';

export function checkPut(request: PutRequest): void {
  if (request.key === '') throw new EtcdError('emptyKey');
  if (request.ignore_value && request.value.length > 0) throw new EtcdError('valueProvided');
  if (request.ignore_lease && request.lease !== 0n) throw new EtcdError('leaseProvided');
}

export function checkDelete(request: DeleteRangeRequest): void {
  if (request.key === '') throw new EtcdError('emptyKey');
}

/** Counts operations along the nesting, then looks for keys that are changed twice. */
export function checkTxn(request: TxnRequest, opsMax: number): void {
  checkOps(request, opsMax, 0);
  touchedBy(request.success);
  touchedBy(request.failure);
}

function checkOps(request: TxnRequest, opsMax: number, depth: number): void {
  if (depth > limits.txnDepth) throw new EtcdError('tooManyOps');
  const count = Math.max(request.compare.length, request.success.length, request.failure.length);
  if (count > opsMax) throw new EtcdError('tooManyOps');
  for (const compare of request.compare) if (compare.key === '') throw new EtcdError('emptyKey');
  for (const op of [...request.success, ...request.failure]) {
    if (op.request_range !== undefined) checkRange(op.request_range);
    else if (op.request_put !== undefined) checkPut(op.request_put);
    else if (op.request_delete_range !== undefined) checkDelete(op.request_delete_range);
    else if (op.request_txn.length > 0) checkOps(decode(TxnRequest, op.request_txn), opsMax - count, depth + 1);
  }
}

interface Touched {
  readonly puts: Set<string>;
  readonly deletes: KeyRange[];
}

/** What a branch changes; throws `duplicateKey` where a key is put twice, or put and deleted. */
function touchedBy(ops: readonly RequestOp[]): Touched {
  const touched: Touched = { puts: new Set(), deletes: [] };
  for (const { request_delete_range: request } of ops) {
    if (request !== undefined) touched.deletes.push(keyRange(request.key, request.range_end));
  }
  for (const { request_put: request } of ops) {
    if (request === undefined) continue;
    refuseDuplicate(touched.puts.has(request.key) || touched.deletes.some((range) => rangeContains(range, request.key)));
    touched.puts.add(request.key);
  }
  for (const op of ops) {
    if (op.request_txn.length === 0) continue;
    const nested = decode(TxnRequest, op.request_txn);
    // Only one of the two branches runs: they may touch the same keys.
    const branches = [touchedBy(nested.success), touchedBy(nested.failure)];
    for (const branch of branches) refuseOverlap(touched, branch);
    for (const branch of branches) {
      for (const key of branch.puts) touched.puts.add(key);
      touched.deletes.push(...branch.deletes);
    }
  }
  return touched;
}

function refuseOverlap(outer: Touched, inner: Touched): void {
  for (const key of inner.puts) {
    refuseDuplicate(outer.puts.has(key) || outer.deletes.some((range) => rangeContains(range, key)));
  }
  for (const range of inner.deletes) {
    for (const key of outer.puts) refuseDuplicate(rangeContains(range, key));
  }
}

function refuseDuplicate(duplicate: boolean): void {
  if (duplicate) throw new EtcdError('duplicateKey');
}

// What put, delete and transaction requests are refused for before they are proposed: the same on every member, whatever its state.
import { EtcdError } from '../errors.ts';
import { limits } from '../limits.ts';
import { type DeleteRangeRequest, type PutRequest, type RequestOp, TxnRequest } from '../rpc/messages.ts';
import { decode } from '../rpc/protobuf.ts';
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
    else if (op.request_txn !== undefined) checkOps(decode(TxnRequest, op.request_txn), opsMax - count, depth + 1);
    else throw new EtcdError('keyNotFound');
  }
}

/** Keys of a delete as this check sees them: `to` is a key, also where it is '\0'. */
interface DeletedKeys {
  readonly from: string;
  readonly to: string;
}

interface Touched {
  readonly puts: Set<string>;
  readonly deletes: DeletedKeys[];
}

/**
 * What a branch changes; throws `duplicateKey` where a key is put twice, or put and deleted. As in etcd (checkIntervals), a nested
 * transaction is compared with what is before it, so that its deletes may hit a key that an earlier one puts.
 */
function touchedBy(ops: readonly RequestOp[]): Touched {
  const touched: Touched = { puts: new Set(), deletes: [] };
  for (const { request_delete_range: request } of ops) {
    if (request === undefined) continue;
    const { key, range_end: end } = request;
    touched.deletes.push({ from: key, to: end === '' ? `${key}\0` : end });
  }
  for (const op of ops) {
    if (op.request_txn === undefined) continue;
    const { success, failure } = decode(TxnRequest, op.request_txn);
    const first = touchedBy(success);
    const second = touchedBy(failure);
    // Only one of the two branches runs: they may touch the same keys.
    for (const key of first.puts) addPut(touched, key);
    for (const key of second.puts) {
      if (first.puts.has(key)) touched.puts.delete(key);
      addPut(touched, key);
    }
    touched.deletes.push(...first.deletes, ...second.deletes);
  }
  for (const { request_put: request } of ops) if (request !== undefined) addPut(touched, request.key);
  return touched;
}

function addPut({ puts, deletes }: Touched, key: string): void {
  const deleted = deletes.some(({ from, to }) => from <= key && key < to);
  if (puts.has(key) || deleted) throw new EtcdError('duplicateKey');
  puts.add(key);
}

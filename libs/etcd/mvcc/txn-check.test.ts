// What a transaction is refused for before it is proposed; each row was asked of etcd 3.5.30 (test/differential).
import { expect, test } from 'vitest';
import { type DeleteRangeRequest, type PutRequest, RequestOp, TxnRequest } from '../rpc/messages.ts';
import { decode, encode } from '../rpc/protobuf.ts';
import { checkTxn } from './txn-check.ts';

const put = (key: string) => ({ request_put: { key } as PutRequest });
const del = (key: string, end = '') => ({ request_delete_range: { key, range_end: end } as DeleteRangeRequest });
const txn = (success: object[], failure: object[] = []) => ({ request_txn: encode(TxnRequest, branches(success, failure)) });
const branches = (success: object[], failure: object[] = []) => ({
  success: success as RequestOp[],
  failure: failure as RequestOp[],
});

const duplicate = 'etcdserver: duplicate key given in txn request';

test.each([
  { what: 'two keys', ops: [put('a'), put('b')], error: undefined },
  { what: 'a key twice', ops: [put('a'), put('a')], error: duplicate },
  { what: 'a put in a deleted range', ops: [del('a', 'c'), put('b')], error: duplicate },
  { what: 'a put beside it', ops: [del('a', 'c'), put('c')], error: undefined },
  { what: 'everything from a key on: its end is taken for a key', ops: [del('a', '\0'), put('b')], error: undefined },
  { what: 'a range that ends before it begins', ops: [del('b', 'a'), put('b')], error: undefined },
  { what: 'a nested put of a key', ops: [txn([put('a')]), put('a')], error: duplicate },
  { what: 'two branches with one key', ops: [txn([put('a')], [put('a')])], error: undefined },
  { what: 'one branch deletes what the other puts', ops: [txn([del('a')], [put('a')])], error: undefined },
  { what: 'a nested delete after a nested put', ops: [txn([put('a')]), txn([del('a')])], error: undefined },
  { what: 'a nested delete of a put', ops: [txn([del('a')]), put('a')], error: duplicate },
  { what: 'no operation at all', ops: [{}], error: 'etcdserver: key not found' },
  { what: 'no key', ops: [put('')], error: 'etcdserver: key is not provided' },
  { what: 'too many', ops: ['a', 'b', 'c', 'd', 'e'].map(put), error: 'etcdserver: too many operations in txn request' },
])('$what', ({ ops, error }) => {
  const request = decode(TxnRequest, encode(TxnRequest, branches(ops)));
  const check = () => checkTxn(request, 4);
  if (error === undefined) expect(check).not.toThrow();
  else expect(check).toThrow(error);
});

test('an empty nested transaction is an operation', () => {
  const op = decode(RequestOp, encode(RequestOp, { request_txn: Buffer.alloc(0) }));
  expect(op.request_txn).toHaveLength(0);
  expect(decode(RequestOp, Buffer.alloc(0)).request_txn).toBeUndefined();
});

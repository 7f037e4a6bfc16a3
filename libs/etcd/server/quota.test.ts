import { expect, test } from 'vitest';
import type { Backend } from '../mvcc/backend.ts';
import { DeleteRangeRequest, LeaseGrantRequest, PutRequest, type RangeRequest, TxnRequest } from '../rpc/messages.ts';
import { encode, type MessageOf } from '../rpc/protobuf.ts';
import { Quota, spaceCost } from './quota.ts';

type Op = Partial<MessageOf<typeof TxnRequest>['success'][number]>;

const bytes = (count: number): Buffer => Buffer.alloc(count);
const putRequest = (value: number) => ({ key: 'key', value: bytes(value) }) as MessageOf<typeof PutRequest>;
const put = (value: number) => encode(PutRequest, putRequest(value));
const txn = (success: Op[], failure: Op[] = []) => encode(TxnRequest, { success, failure } as MessageOf<typeof TxnRequest>);
const putOp = (value: number): Op => ({ request_put: putRequest(value) });

function backend(totalBytes: number, inUseBytes = totalBytes, pendingBytes = 0): Backend {
  return { sizes: () => ({ totalBytes, inUseBytes }), pendingBytes } as Backend;
}

test('a put costs its key, its value and an overhead; a transaction its dearer branch, nested ones included', () => {
  expect(spaceCost('put', put(100))).toBe(256 + 3 + 100);
  expect(spaceCost('txn', txn([putOp(1), putOp(1)], [putOp(100)]))).toBe(2 * (256 + 3 + 1));
  expect(spaceCost('txn', txn([{ request_txn: txn([putOp(5)]) }]))).toBe(256 + 3 + 5);
  expect(spaceCost('leaseGrant', encode(LeaseGrantRequest, { TTL: 1 }))).toBe(64);
});

test('what only reads or removes costs nothing and always has room', () => {
  const reads: Op = { request_range: { key: 'a' } as MessageOf<typeof RangeRequest> };
  const removes: Op = { request_delete_range: { key: 'a' } as MessageOf<typeof DeleteRangeRequest> };
  const quota = new Quota(backend(1 << 20), 1 << 10);
  expect(spaceCost('txn', txn([reads, removes]))).toBe(0);
  expect(quota.hasRoomFor('txn', txn([reads, removes]))).toBe(true);
  expect(quota.hasRoomFor('deleteRange', encode(DeleteRangeRequest, { key: 'a' }))).toBe(true);
  expect(quota.hasRoomFor('put', put(1))).toBe(false);
});

test('the quota is kept to the byte', () => {
  const request = put(100);
  const cost = spaceCost('put', request);
  expect(new Quota(backend(10_000), 10_000 + cost).hasRoomFor('put', request)).toBe(false);
  expect(new Quota(backend(10_000), 10_001 + cost).hasRoomFor('put', request)).toBe(true);
});

test('what is not committed counts as far as it does not fit into free pages', () => {
  const request = put(0);
  const quotaBytes = 10_001 + spaceCost('put', request);
  expect(new Quota(backend(10_000, 6_000, 4_000), quotaBytes).hasRoomFor('put', request)).toBe(true);
  expect(new Quota(backend(10_000, 6_000, 4_001), quotaBytes).hasRoomFor('put', request)).toBe(false);
});

test('below 0 there is none', () => {
  expect(new Quota(backend(1 << 30), -1).hasRoomFor('put', put(1 << 20))).toBe(true);
});

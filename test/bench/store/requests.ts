// What the loads ask, by kind: the method, and the `n`th request of it.
import {
  compareResult,
  compareTarget,
  LeaseGrantRequest,
  PutRequest,
  RangeRequest,
  TxnRequest,
} from '@drydock/etcd/rpc/messages.ts';
import { encode } from '@drydock/etcd/rpc/protobuf.ts';
import { headerBlock } from './connection.ts';

/** Keys that `put` writes and the others read. */
export const keyCount = 10_000;
const rangeLimit = 1000;
/** A request stays below the 16 KiB of one frame. */
export const putsPerTxn = 40;

export interface RequestKind {
  readonly path: string;
  readonly of: (n: number) => Buffer;
}

export const headersOf = (path: string): Buffer => headerBlock(`/etcdserverpb.${path}`, 'bench');

const keyOf = (n: number): string => `bench/${String(n % keyCount).padStart(8, '0')}`;

// Zero values of the fields that a message of the load does not use.
const noCompare = { version: 0, create_revision: 0, mod_revision: 0, value: Buffer.alloc(0), lease: 0n, range_end: '' };
const noPut = { lease: 0n, prev_kv: false, ignore_value: false, ignore_lease: false };
const noRange = {
  ...{ range_end: '', limit: 0, revision: 0, sort_order: 0, sort_target: 0, serializable: false, keys_only: false },
  ...{ count_only: false, min_mod_revision: 0, max_mod_revision: 0, min_create_revision: 0, max_create_revision: 0 },
};
const noOp = {
  request_range: undefined,
  request_put: undefined,
  request_delete_range: undefined,
  request_txn: undefined,
};

/** The requests of a kind, with values of so many bytes. */
export function requestsOf(kind: string, valueBytes: number): RequestKind {
  const value = Buffer.alloc(valueBytes, 'v');
  const kinds: Record<string, RequestKind> = {
    put: { path: 'KV/Put', of: (n) => encode(PutRequest, { key: keyOf(n), value }) },
    get: { path: 'KV/Range', of: (n) => encode(RangeRequest, { key: keyOf(n) }) },
    'get-serializable': { path: 'KV/Range', of: (n) => encode(RangeRequest, { key: keyOf(n), serializable: true }) },
    range: {
      path: 'KV/Range',
      of: (n) => encode(RangeRequest, { key: keyOf(n % 9000), range_end: 'bench0', limit: rangeLimit }),
    },
    // As the apiserver updates: put where the key's revision is as expected, else give what is there.
    txn: {
      path: 'KV/Txn',
      of: (n) => {
        const key = keyOf(n);
        const compare = { ...noCompare, result: compareResult.greater, target: compareTarget.mod, key };
        return encode(TxnRequest, {
          compare: [compare],
          success: [{ ...noOp, request_put: { ...noPut, key, value } }],
          failure: [{ ...noOp, request_range: { ...noRange, key } }],
        });
      },
    },
    fill: {
      path: 'KV/Txn',
      of: (n) => {
        const puts = Array.from({ length: putsPerTxn }, (_, i) => {
          const key = `fill/${String(n * putsPerTxn + i).padStart(9, '0')}`;
          return { ...noOp, request_put: { ...noPut, key, value } };
        });
        return encode(TxnRequest, { compare: [], success: puts, failure: [] });
      },
    },
    grant: { path: 'Lease/LeaseGrant', of: (n) => encode(LeaseGrantRequest, { ID: BigInt(n + 1), TTL: 3600 }) },
  };
  const found = kinds[kind];
  if (found === undefined) throw new Error(`no load is called ${kind}`);
  return found;
}

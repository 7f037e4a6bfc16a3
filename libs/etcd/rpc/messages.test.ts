import { fileURLToPath } from 'node:url';
import protobuf from 'protobufjs';
import { expect, test } from 'vitest';
import * as messages from './messages.ts';
import { decode, encode, type Schema } from './protobuf.ts';

const protos = fileURLToPath(new URL('../../../proto/', import.meta.url));
const root = new protobuf.Root();
root.resolvePath = (_origin, target) => (target.startsWith('/') ? target : `${protos}${target}`);
root.loadSync('etcd/etcdserverpb/rpc.proto', { keepCase: true });
root.resolveAll();

const isTable = (value: object | number): boolean =>
  typeof value === 'object' && Object.values(value).every((field) => typeof field === 'object');
const tables = (Object.entries(messages) as [string, Schema | number][]).filter(([, value]) => isTable(value)) as [
  string,
  Schema,
][];
const typeOf = (name: string): protobuf.Type | null =>
  root.nested?.etcdserverpb instanceof protobuf.Namespace && name !== 'KeyValue'
    ? (root.lookup(`etcdserverpb.${name}`, [protobuf.Type]) as protobuf.Type | null)
    : (root.lookup(`mvccpb.${name}`, [protobuf.Type]) as protobuf.Type | null);

test.each(tables.filter(([name]) => typeOf(name) !== null))('%s has the fields of the .proto file', (name, table) => {
  const numbers = (fields: Readonly<Record<string, { number?: number; id?: number; repeated: boolean }>>) =>
    Object.fromEntries(Object.entries(fields).map(([key, f]) => [key, `${f.number ?? f.id}${f.repeated ? ' repeated' : ''}`]));
  expect(numbers(table)).toEqual(numbers(typeOf(name)?.fields ?? {}));
});

test('most tables are messages of the .proto file', () => {
  expect(tables.filter(([name]) => typeOf(name) === null).map(([name]) => name)).toEqual(
    expect.not.arrayContaining(['RangeRequest', 'TxnRequest', 'WatchResponse', 'StatusResponse', 'KeyValue']),
  );
});

test('bytes are those of a protobuf library, for small, large and negative numbers', () => {
  const Type = root.lookupType('etcdserverpb.LeaseTimeToLiveResponse');
  const mine = encode(messages.LeaseTimeToLiveResponse, {
    header: { cluster_id: 2n ** 64n - 1n, member_id: 5n, revision: 2 ** 40, raft_term: 300 },
    ID: -1n,
    TTL: -1,
    grantedTTL: 2 ** 31,
    keys: ['\u00ff\u0000', 'k'.repeat(300)],
  });
  const theirs = Type.decode(mine);
  expect(Buffer.from(Type.encode(theirs).finish()).equals(mine)).toBe(true);
  expect(decode(messages.LeaseTimeToLiveResponse, mine)).toMatchObject({ ID: -1n, TTL: -1, grantedTTL: 2 ** 31 });
});

test('of an operation that is sent as two kinds the last one counts', () => {
  const put = encode(messages.RequestOp, {
    request_put: decode(messages.PutRequest, encode(messages.PutRequest, { key: 'k' })),
  });
  const txn = encode(messages.RequestOp, { request_txn: Buffer.alloc(0) });
  const both = decode(messages.RequestOp, Buffer.concat([put, txn]));
  expect(both.request_put).toBeUndefined();
  expect(both.request_txn).toEqual(Buffer.alloc(0));
  expect(decode(messages.RequestOp, Buffer.concat([txn, put]))).toMatchObject({
    request_put: { key: 'k' },
    request_txn: undefined,
  });
});

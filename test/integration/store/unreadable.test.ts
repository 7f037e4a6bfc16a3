// Requests that are no messages: each method of the API refuses them before they get into the log, where nobody could apply them.
import { type ApiMethod, api } from '@drydock/etcd/rpc/api.ts';
import type { Field, Schema } from '@drydock/etcd/rpc/protobuf.ts';
import { Client, credentials, Metadata, type ServiceError } from '@grpc/grpc-js';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { Store } from './members.ts';

const internal = 13;
let store: Store;
let client: Client;

beforeAll(async () => {
  store = await Store.start({ size: 1, diskFaults: false });
  client = new Client(new URL(store.endpoint(0)).host, credentials.createInsecure());
}, 60_000);

afterAll(async () => {
  client?.close();
  await store?.stop();
});

/** For each field with a length: one that runs past the end, at any depth. */
function unreadable(schema: Schema, depth = 3): Buffer[] {
  if (depth === 0) return [];
  return Object.values(schema).flatMap((field: Field<unknown>) => {
    const tag = (wireType: number) => Buffer.from([field.number * 8 + wireType]);
    if (!['bytes', 'key', 'string', 'message'].includes(field.kind)) return [Buffer.concat([tag(2), Buffer.from([100])])];
    const within = field.schema === undefined ? [] : unreadable(field.schema, depth - 1);
    const nested = within.map((inner) => Buffer.concat([tag(2), Buffer.from([inner.length]), inner]));
    return [Buffer.concat([tag(2), Buffer.from([100])]), Buffer.concat([tag(0), Buffer.from([1])]), ...nested];
  });
}

function ask(path: string, request: Buffer): Promise<ServiceError | undefined> {
  return new Promise((resolve) => {
    const asIs = (bytes: Buffer): Buffer => bytes;
    client.makeUnaryRequest(path, asIs, asIs, request, new Metadata(), { deadline: Date.now() + 20_000 }, (error) => {
      resolve(error ?? undefined);
    });
  });
}

const methods: readonly ApiMethod<Schema, Schema>[] = Object.values(api).filter(
  ({ request }) => Object.keys(request).length > 0,
);

test.each(methods.map(({ path, request }) => ({ path, request })))('$path', { timeout: 60_000 }, async ({ path, request }) => {
  const field19 = (inner: string) => Buffer.from(inner, 'hex');
  for (const bytes of [...unreadable(request), field19('9c01'), field19('07'), Buffer.from([0, 1])]) {
    const error = await ask(path, bytes);
    expect({ bytes: bytes.toString('hex'), code: error?.code }).toEqual({ bytes: bytes.toString('hex'), code: internal });
    expect(error?.details).toMatch(/^grpc: error unmarshalling request: /);
  }
});

test.each([
  '/etcdserverpb.Watch/Watch',
  '/etcdserverpb.Lease/LeaseKeepAlive',
  '/v3electionpb.Election/Observe',
  '/v3lockpb.Lock/Lock',
])('%s ends its stream', async (path) => {
  const asIs = (bytes: Buffer): Buffer => bytes;
  const stream = client.makeBidiStreamRequest(path, asIs, asIs, new Metadata());
  onTestFinished(() => stream.cancel());
  const ended = new Promise<ServiceError>((resolve) => stream.on('error', resolve));
  stream.on('data', () => {});
  stream.write(Buffer.from([0x0a, 100]));
  expect((await ended).code).toBe(internal);
});

test('a transaction in a transaction, two thousand deep, is refused', { timeout: 60_000 }, async () => {
  let txn = Buffer.alloc(0);
  for (let i = 0; i < 2000; i++) {
    // RequestOp.request_txn (4) in TxnRequest.success (2).
    const op = Buffer.concat([Buffer.from([0x22]), varint(txn.length), txn]);
    txn = Buffer.concat([Buffer.from([0x12]), varint(op.length), op]);
  }
  expect((await ask(api.txn.path, txn))?.details).toBe('etcdserver: too many operations in txn request');
});

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 0x80; rest >>>= 7) bytes.push((rest & 0x7f) | 0x80);
  return Buffer.from([...bytes, rest]);
}

test('the member lives, and starts again with its log', { timeout: 60_000 }, async () => {
  expect(await ask(api.put.path, Buffer.from([0x0a, 1, 0x61]))).toBeUndefined();
  await store.stopMember(0, 'SIGKILL');
  store.startMember(0);
  await store.ready();
  await expect.poll(() => ask(api.range.path, Buffer.from([0x0a, 1, 0x61])), { timeout: 20_000 }).toBeUndefined();
});

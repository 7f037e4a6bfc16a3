// The client against a member that loses answers: it has done what it was asked, and its connection says that it has not.
import { silentLog } from '@drydock/foundation/log.ts';
import { SystemClock } from '@drydock/foundation/system-clock.ts';
import { Server, ServerCredentials, type ServerUnaryCall, type sendUnaryData, status } from '@grpc/grpc-js';
import protobuf from 'protobufjs/minimal.js';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { EtcdClient } from './etcd-client.ts';
import type { TxnQuery } from './etcd-codec.ts';

const { Writer } = protobuf;

interface Found {
  readonly value: string;
  readonly modRevision: number;
}

/** A TxnResponse: the header's revision, and what the read of the other branch found. */
function txnResponse(revision: number, succeeded: boolean, found?: Found): Buffer {
  const writer = Writer.create().uint32(10).fork().uint32(24).int64(revision).ldelim();
  if (succeeded) writer.uint32(16).bool(true);
  writer.uint32(26).fork().uint32(10).fork();
  if (found !== undefined) {
    writer.uint32(18).fork().uint32(10).string('/k').uint32(24).int64(found.modRevision);
    writer.uint32(42).bytes(Buffer.from(found.value)).ldelim();
  }
  writer.ldelim().ldelim();
  return Buffer.from(writer.finish());
}

const put: TxnQuery = {
  guards: [{ key: '/k', target: 'mod', equals: 3 }],
  writes: [{ op: 'put', key: '/k', value: Buffer.from('mine') }],
  otherwise: '/k',
};
const remove: TxnQuery = { ...put, writes: [{ op: 'delete', key: '/k' }] };

describe('a transaction whose answer was lost', () => {
  let answers: (Buffer | 'lost')[] = [];
  const server = new Server();
  let store: EtcdClient;
  beforeAll(async () => {
    const identity = (bytes: Buffer) => bytes;
    const method = {
      path: '/etcdserverpb.KV/Txn',
      requestStream: false,
      responseStream: false,
      requestSerialize: identity,
      requestDeserialize: identity,
      responseSerialize: identity,
      responseDeserialize: identity,
    };
    const Txn = (_: ServerUnaryCall<Buffer, Buffer>, callback: sendUnaryData<Buffer>) => {
      const answer = answers.shift() ?? 'lost';
      if (answer === 'lost') callback({ code: status.UNAVAILABLE, details: 'the connection broke' });
      else callback(null, answer);
    };
    server.addService({ Txn: method }, { Txn });
    const port = await new Promise<number>((resolve, reject) => {
      server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
        error ? reject(error) : resolve(bound),
      );
    });
    store = new EtcdClient({ endpoints: [`http://127.0.0.1:${port}`], clock: new SystemClock(), log: silentLog });
  });
  afterAll(() => {
    store.close();
    server.forceShutdown();
  });

  const cases: readonly [string, TxnQuery, (Buffer | 'lost')[], { succeeded: boolean; revision: number }][] = [
    [
      'is recognised, with the revision of the write',
      put,
      ['lost', txnResponse(90, false, { value: 'mine', modRevision: 4 })],
      { succeeded: true, revision: 4 },
    ],
    [
      'that was another one stays lost',
      put,
      ['lost', txnResponse(90, false, { value: 'other', modRevision: 4 })],
      { succeeded: false, revision: 90 },
    ],
    ['that did not happen happens', put, ['lost', txnResponse(4, true)], { succeeded: true, revision: 4 }],
    ['a deletion is recognised', remove, ['lost', 'lost', txnResponse(90, false)], { succeeded: true, revision: 90 }],
    [
      'a first answer is believed',
      put,
      [txnResponse(90, false, { value: 'mine', modRevision: 4 })],
      { succeeded: false, revision: 90 },
    ],
  ];
  test.each(cases)('%s', async (_, query, given, expected) => {
    answers = [...given];
    expect(await store.txn(query)).toMatchObject(expected);
  });
});

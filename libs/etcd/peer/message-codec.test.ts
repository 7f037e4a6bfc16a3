// The hand-written codec against the .proto file: what it writes, proto-loader reads, and the other way round.
import { loadSync } from '@grpc/proto-loader';
import type { Entry, Message } from 'raft-ts/types.ts';
import { WireError } from 'raft-ts/wire.ts';
import { expect, test } from 'vitest';
import { decodeBatch, decodeSnapshotChunk, encodeBatch, encodeSnapshotChunk } from './message-codec.ts';

const definition = loadSync(new URL('../../../proto/drydock/raft/v1/peer.proto', import.meta.url).pathname, {
  keepCase: true,
  longs: String,
  defaults: true,
});
const service = definition['drydock.raft.v1.Peer'] as unknown as {
  Messages: {
    requestSerialize(value: object): Buffer;
    requestDeserialize(bytes: Buffer): { messages: Record<string, unknown>[] };
  };
};

const entries: Entry[] = [
  { term: 3, index: 8, type: 'normal', data: Buffer.from('x'.repeat(300)) },
  { term: 4, index: 2 ** 40, type: 'configChange', data: new Uint8Array(0) },
];
const conf = { voters: [1n, 2n ** 64n - 1n], learners: [3n], votersOutgoing: [1n], learnersNext: [], autoLeave: true };
const envelope = { from: 2n ** 63n, to: 7n, term: 5 };
const messages: Message[] = [
  { ...envelope, type: 'appendRequest', prevIndex: 7, prevTerm: 3, entries, commit: 6 },
  { ...envelope, type: 'appendResponse', index: 7, reject: true, hintIndex: 4, hintTerm: 2 },
  { ...envelope, type: 'voteRequest', lastIndex: 9, lastTerm: 4, transfer: true },
  { ...envelope, type: 'voteResponse', reject: true, commit: 4, commitTerm: 2 },
  { ...envelope, type: 'preVoteRequest', lastIndex: 9, lastTerm: 4, transfer: false },
  { ...envelope, type: 'preVoteResponse', reject: false, commit: 0, commitTerm: 0 },
  { ...envelope, type: 'heartbeatRequest', commit: 3, readSequence: 12 },
  { ...envelope, type: 'heartbeatResponse', readSequence: 12 },
  { ...envelope, type: 'snapshotRequest', snapshot: { meta: { index: 5, term: 2, conf }, data: Buffer.from('d') } },
  { ...envelope, type: 'timeoutNow' },
  { ...envelope, type: 'proposeForward', entries: [{ type: 'normal', data: Buffer.from('p') }] },
  { ...envelope, type: 'readIndexForward', context: 2n ** 62n },
  { ...envelope, type: 'readIndexResponse', context: 1n, index: 77 },
  { ...envelope, type: 'transferForward', transferee: 9n },
];

/** Buffers and arrays of bytes alike. */
function plain(value: unknown): unknown {
  return JSON.parse(
    JSON.stringify(value, (_, v) => {
      if (typeof v === 'bigint') return `${v}n`;
      if (v?.type === 'Buffer') return Buffer.from(v.data).toString('hex');
      return v instanceof Uint8Array ? Buffer.from(v).toString('hex') : v;
    }),
  );
}

test.each(messages.map((message) => [message.type, message] as const))('%s survives the way there and back', (_, message) => {
  expect(plain(decodeBatch(encodeBatch([message, message])))).toEqual(plain([message, message]));
});

test('another protobuf implementation reads the same', () => {
  const [append, , , , , , , , snapshot] = service.Messages.requestDeserialize(Buffer.from(encodeBatch(messages))).messages;
  expect(append).toMatchObject({
    type: 1,
    from: String(2n ** 63n),
    to: '7',
    term: '5',
    index: '7',
    log_term: '3',
    commit: '6',
  });
  expect(append?.entries).toMatchObject([
    { term: '3', index: '8', type: 0 },
    { term: '4', index: String(2 ** 40), type: 1 },
  ]);
  expect(snapshot?.snapshot).toMatchObject({ index: '5', conf: { voters: ['1', String(2n ** 64n - 1n)], auto_leave: true } });
});

test('what another protobuf implementation writes is read', () => {
  const read = service.Messages.requestDeserialize(Buffer.from(encodeBatch(messages)));
  const again = decodeBatch(service.Messages.requestSerialize(read));
  expect(plain(again)).toEqual(plain(messages));
});

test('chunks of a snapshot', () => {
  const chunk = { message: messages[8], content: Buffer.from('abc'), totalBytes: 2 ** 33, last: true };
  expect(plain(decodeSnapshotChunk(encodeSnapshotChunk(chunk)))).toEqual(plain(chunk));
});

test.each([
  ['cut off', encodeBatch(messages.slice(0, 1)).slice(0, 40)],
  ['of an unknown type', Buffer.from([0x0a, 0x02, 0x08, 0x63])],
  ['random', Buffer.from('ffffffffffffffffffffffff', 'hex')],
])('bytes that are %s are refused', (_, bytes) => {
  expect(() => decodeBatch(bytes)).toThrow(WireError);
});

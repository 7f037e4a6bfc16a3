import { decodeConfigChange } from 'raft-ts/config-codec.ts';
import { expect, test } from 'vitest';
import { PutRequest } from '../rpc/messages.ts';
import { decode } from '../rpc/protobuf.ts';
import { decodeProposal } from '../server/proposal.ts';
import { ImportError } from './errors.ts';
import { type EtcdLog, readEtcdLog } from './etcd-log.ts';
import { change, entry, fields, metadata, place, put, request, segment, state, v2 } from './testing/etcd-files.ts';

const head = [
  ['metadata', metadata(7n, 9n)],
  ['snapshot', place(0, 0)],
] as const;

function logOf(...segments: readonly Buffer[]): EtcdLog {
  return readEtcdLog(segments.map((content, i) => ({ file: `segment ${i}`, read: () => content })));
}

test('entries, hard state and places of snapshots come out of several segments', () => {
  const first = segment([...head, ['entry', entry(1, 1, put('a', '1'))], ['state', state(1, 7n, 1)]]);
  const second = segment(
    [
      ['metadata', metadata(7n, 9n)],
      ['entry', entry(2, 2, Buffer.alloc(0))],
      ['snapshot', place(2, 2)],
    ],
    first.crc,
  );
  const log = logOf(first.content, second.content);
  expect(log).toMatchObject({ id: 7n, clusterId: 9n, hardState: { term: 1, vote: 7n, commit: 1 } });
  expect(log.snapshots).toEqual([
    { index: 0, term: 0 },
    { index: 2, term: 2 },
  ]);
  const [one, two] = log.entries;
  expect(one).toMatchObject({ refusal: undefined, entry: { index: 1, term: 1, type: 'normal' } });
  const { kind, payload } = decodeProposal(one?.entry.data ?? new Uint8Array(0));
  expect(kind).toBe('put');
  expect(decode(PutRequest, payload)).toMatchObject({ key: 'a', value: Buffer.from('1') });
  expect(two?.entry).toMatchObject({ index: 2, term: 2, data: new Uint8Array(0) });
  // Where older segments are gone, the first that is left says what came before it.
  expect(logOf(second.content).entries.map((known) => known.entry.index)).toEqual([2]);
});

test('an entry takes the place of those that it overwrites', () => {
  const records = [1, 2, 3].map((index) => ['entry', entry(index, 1, put('a', String(index)))] as const);
  const { content } = segment([...head, ...records, ['entry', entry(2, 2, put('a', 'b'))]]);
  expect(logOf(content).entries.map(({ entry: { index, term } }) => [index, term])).toEqual([
    [1, 1],
    [2, 2],
  ]);
});

test('a torn end is left out wherever a crash has torn it; damage is told', () => {
  const long = put('a', 'x'.repeat(3000));
  const { content } = segment([...head, ['entry', entry(1, 1, put('a', '1'))], ['entry', entry(2, 1, long)]]);
  const size = content.length - 4096;
  const torn = (keep: number) => Buffer.concat([content.subarray(0, keep), Buffer.alloc(content.length - keep)]);
  for (let keep = size - 2900; keep < size - 600; keep += 37) {
    expect(logOf(torn(keep)).entries.map((known) => known.entry.index)).toEqual([1]);
    expect(logOf(content.subarray(0, keep)).entries.map((known) => known.entry.index)).toEqual([1]);
  }
  const flipped = Buffer.from(content);
  flipped[size - 1000] = 1;
  expect(() => logOf(flipped)).toThrow(/segment 0: the record at \d+ is damaged \(crc mismatch\)/);
  // Only the last segment can be torn.
  const next = segment([['metadata', metadata(7n, 9n)]], 1);
  expect(() => logOf(content, next.content)).toThrow('it does not continue the segment before it');
  expect(() => logOf(torn(size - 1000), next.content)).toThrow(ImportError);
});

test('changes of membership keep whom they are about; what members say of themselves too', () => {
  const described = { id: 1, peerURLs: ['http://b:1'], name: 'b' };
  const { content } = segment([
    ...head,
    ['entry', entry(1, 1, change(0, 11n, described), 1)],
    ['entry', entry(2, 1, change(3, 12n, { ...described, isLearner: true }), 1)],
    ['entry', entry(3, 1, change(0, 12n, { id: 12, isPromote: true, peerURLs: ['http://b:1'] }), 1)],
    ['entry', entry(4, 1, change(1, 11n, {}), 1)],
    ['entry', entry(5, 1, v2('PUT', '/0/members/b/attributes', '{"name":"b","clientURLs":["http://b:2"]}'))],
    [
      'entry',
      entry(
        6,
        1,
        request(
          1302,
          fields([
            [1, 12],
            [2, fields([[1, Buffer.from('c')]])],
          ]),
        ),
      ),
    ],
  ]);
  const { entries } = logOf(content);
  const steps = entries.slice(0, 4).map(({ entry: { data } }) => decodeConfigChange(data).steps);
  expect(steps).toEqual([
    [{ type: 'addVoter', id: 11n }],
    [{ type: 'addLearner', id: 12n }],
    [{ type: 'addVoter', id: 12n }],
    [{ type: 'remove', id: 11n }],
  ]);
  expect(entries.every(({ refusal, membership }) => refusal === undefined && membership)).toBe(true);
  expect(decodeProposal(entries[4]?.entry.data ?? new Uint8Array(0)).kind).toBe('memberAttributes');
  expect(decodeProposal(entries[5]?.entry.data ?? new Uint8Array(0)).payload.toString()).toContain('c');
});

test('what ours cannot do is refused by its place in the log; what has no effect is not', () => {
  const unhashed = fields([
    [1, Buffer.from('u')],
    [2, Buffer.from('secret')],
  ]);
  const { content } = segment([
    ...head,
    ['entry', entry(1, 1, request(3, Buffer.alloc(0)))],
    ['entry', entry(2, 1, v2('SYNC', '', ''))],
    ['entry', entry(3, 1, v2('PUT', '/1/key', 'value'))],
    ['entry', entry(4, 1, request(4242, Buffer.alloc(0)))],
    ['entry', entry(5, 1, request(1100, unhashed))],
    ['entry', entry(6, 1, Buffer.from([0xff]))],
  ]);
  expect(logOf(content).entries.map(({ refusal }) => refusal)).toEqual([
    undefined,
    undefined,
    'entry 3 is a request of the v2 API, which etcd 3.6 does not have any more (PUT /1/key)',
    'entry 4 is a request that is not known (field 4242)',
    'entry 5 has a password that is not hashed (etcd 3.4 wrote it)',
    expect.stringMatching(/^entry 6 cannot be read/),
  ]);
});

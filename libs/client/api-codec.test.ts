// The codec by hand against the .proto through protobufjs: the same bytes in both directions.
import { fileURLToPath } from 'node:url';
import protobuf from 'protobufjs';
import { expect, test } from 'vitest';
import { decodeMessage, encodeMessage, encodeTarget } from './api-codec.ts';

const root = protobuf.loadSync(fileURLToPath(new URL('../../proto/drydock/apiserver/v1/api.proto', import.meta.url)));
const type = (name: string) => root.lookupType(`drydock.apiserver.v1.${name}`);
const target = { group: 'apps', version: 'v1', resource: 'deployments', namespace: 'ä', name: 'n', subresource: 'status' };

test('requests are written as the .proto says', () => {
  const message = encodeMessage([
    [1, encodeTarget(target)],
    [2, 'a=b'],
    [3, ''],
    [4, '7'],
    [6, 500],
    [7, 'x'.repeat(300)],
  ]);
  const read = type('ListRequest').toObject(type('ListRequest').decode(message), { longs: Number });
  expect(read).toEqual({ target, labelSelector: 'a=b', resourceVersion: '7', limit: 500, continue: 'x'.repeat(300) });
});

test('true is written, false and absent values are left out', () => {
  const message = encodeMessage([
    [2, Buffer.from('{}')],
    [3, true],
    [4, undefined],
  ]);
  expect(type('WriteRequest').toObject(type('WriteRequest').decode(message), { bytes: String })).toEqual({
    object: 'e30=',
    dryRun: true,
  });
  expect(
    encodeMessage([
      [3, false],
      [6, 0],
    ]),
  ).toHaveLength(0);
});

test('answers are read, with fields that are not known skipped', () => {
  const bytes = type('WatchEvent')
    .encode({ type: 'ADDED', object: Buffer.from('{"a":1}') })
    .finish();
  const unknown = Buffer.from([0x48, 0x96, 0x01, 0x55, 1, 2, 3, 4, 0x59, 1, 2, 3, 4, 5, 6, 7, 8]);
  const fields = decodeMessage(Buffer.concat([unknown, bytes]));
  expect([fields.get(1)?.toString(), fields.get(2)?.toString()]).toEqual(['ADDED', '{"a":1}']);
});

test('a message that is cut off is an error', () => {
  const bytes = type('ObjectResponse')
    .encode({ object: Buffer.from('abcdef') })
    .finish();
  for (let length = 1; length < bytes.length; length++)
    expect(() => decodeMessage(bytes.subarray(0, length))).toThrow(RangeError);
});

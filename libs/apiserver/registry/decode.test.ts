// Bodies that are small in bytes and not in what reading them costs are refused before they are read.
import { jsonValuesMax } from '@drydock/api/json-values.ts';
import { findResource } from '@drydock/api/scheme.ts';
import { expect, test } from 'vitest';
import { yamlBodyMaxBytes } from '../limits.ts';
import { protobufType } from '../protobuf/decode.ts';
import { jsonType, readDeleteOptions, readObject, yamlType } from './decode.ts';
import { applyPatch } from './patch.ts';

const pods = findResource('', 'v1', 'pods');
if (pods === undefined) throw new Error('pods');

const many = `{"spec":{"containers":[${'{},'.repeat(jsonValuesMax)}{}]}}`;
const values = `Request entity too large: limit is ${jsonValuesMax} values`;

/** runtime.Unknown around a pod with a specification of so many empty containers: two bytes each. */
function protobufPod(containers: number): Buffer {
  const field = (number: number, bytes: Buffer) => {
    const length: number[] = [];
    for (let left = bytes.length; ; left >>>= 7) {
      length.push(left > 127 ? (left & 127) | 128 : left);
      if (left <= 127) break;
    }
    return Buffer.concat([Buffer.of((number << 3) | 2, ...length), bytes]);
  };
  const spec = Buffer.alloc(containers * 2, Buffer.of((2 << 3) | 2, 0));
  return Buffer.concat([Buffer.from('k8s\0'), field(2, field(2, spec))]);
}

test.each<[string, string, Buffer, string]>([
  ['JSON', jsonType, Buffer.from(many), values],
  ['YAML', yamlType, Buffer.from(`a: "${'x'.repeat(yamlBodyMaxBytes)}"`), `limit is ${yamlBodyMaxBytes} in YAML`],
  ['protobuf', protobufType, protobufPod(jsonValuesMax), values],
])('%s', (_, contentType, bytes, text) => {
  const refusal = expect.objectContaining({ code: 413, message: expect.stringContaining(text) });
  expect(() => readObject({ contentType, bytes }, pods, 'Warn')).toThrow(refusal);
});

test('options of a deletion, and patches', () => {
  const refusal = expect.objectContaining({ code: 413, message: values });
  expect(() => readDeleteOptions({ contentType: jsonType, bytes: Buffer.from(many) })).toThrow(refusal);
  for (const type of ['json-patch', 'merge-patch', 'strategic-merge-patch']) {
    const body = { contentType: `application/${type}+json`, bytes: Buffer.from(many) };
    expect(() => applyPatch(pods, { metadata: {} }, body), type).toThrow(refusal);
  }
});

test('what is within the bounds is read', () => {
  const few = readObject({ contentType: protobufType, bytes: protobufPod(3) }, pods, 'Warn').object as { spec?: object };
  expect(few.spec).toMatchObject({ containers: [{}, {}, {}] });
  expect(
    readObject({ contentType: yamlType, bytes: Buffer.from('metadata: {name: x}') }, pods, 'Warn').object.metadata?.name,
  ).toBe('x');
});

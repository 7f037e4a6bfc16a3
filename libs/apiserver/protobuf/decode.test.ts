import protobuf from 'protobufjs/minimal.js';
import { expect, test } from 'vitest';
import { decodeMessage, readEnvelope } from './decode.ts';

const { Writer } = protobuf;
type Writer = InstanceType<typeof Writer>;

/** A message of length-delimited fields, given as number and content. */
function message(...fields: readonly (readonly [number, string | number | Uint8Array])[]): Uint8Array {
  const writer: Writer = Writer.create();
  for (const [number, value] of fields) {
    if (typeof value === 'number') writer.uint32(number << 3).int64(value);
    else if (typeof value === 'string') writer.uint32((number << 3) | 2).string(value);
    else writer.uint32((number << 3) | 2).bytes(value);
  }
  return writer.finish();
}

test('the envelope names the type and holds the object', () => {
  const unknown = message([1, message([1, 'v1'], [2, 'ConfigMap'])], [2, message([2, message([1, 'k'], [2, 'v'])])]);
  const envelope = readEnvelope(Buffer.concat([Buffer.from('k8s\0'), unknown]));
  expect(envelope).toMatchObject({ apiVersion: 'v1', kind: 'ConfigMap' });
  expect(decodeMessage('V1ConfigMap', envelope.raw)).toEqual({ data: { k: 'v' } });
  expect(() => readEnvelope(Buffer.from('{}'))).toThrow('provided data does not appear to be a protobuf message');
});

test('zero values of plain fields are absent, those of pointers are kept', () => {
  // DeploymentSpec: replicas is a pointer, minReadySeconds is not.
  expect(decodeMessage('V1DeploymentSpec', Buffer.from(message([1, 0], [5, 0])))).toEqual({ replicas: 0 });
});

test('embedded structs belong to the object around them', () => {
  // Volume: name = 1, volumeSource = 2 { emptyDir = 2 }.
  const volume = message([1, 'v'], [2, message([2, message()])]);
  expect(decodeMessage('V1Volume', Buffer.from(volume))).toEqual({ name: 'v', emptyDir: {} });
});

test('times, numbers-or-strings, quantities and byte strings have their JSON forms', () => {
  const meta = message([1, 'a'], [8, message([1, 1_767_225_600])]);
  expect(decodeMessage('V1ObjectMeta', Buffer.from(meta))).toEqual({ name: 'a', creationTimestamp: '2026-01-01T00:00:00Z' });
  const port = message([3, 80], [4, message([1, 1], [3, 'http'])]);
  expect(decodeMessage('V1ServicePort', Buffer.from(port))).toEqual({ port: 80, targetPort: 'http' });
  const limits = message([1, message([1, 'cpu'], [2, message([1, '100m'])])]);
  expect(decodeMessage('V1ResourceRequirements', Buffer.from(limits))).toEqual({ limits: { cpu: '100m' } });
  const secret = message([2, message([1, 'k'], [2, new Uint8Array([1, 2])])]);
  expect(decodeMessage('V1Secret', Buffer.from(secret))).toEqual({ data: { k: 'AQI=' } });
});

test('lists inside maps are messages of items', () => {
  const spec = message([5, message([1, 'scopes'], [2, message([1, 'a'], [1, 'b'])])]);
  expect(decodeMessage('V1SubjectAccessReviewSpec', Buffer.from(spec))).toEqual({ extra: { scopes: ['a', 'b'] } });
});

test('an int64 that a number cannot hold is refused: kept rounded, no client could read the list that it is in', () => {
  // Toleration: tolerationSeconds = 5; the largest int64 as its varint.
  const largest = Buffer.from([5 << 3, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f]);
  expect(() => decodeMessage('V1Toleration', largest)).toThrow('this API server keeps integers exactly up to 9007199254740991');
  const seconds = Buffer.from(message([5, 9_007_199_254_740_991]));
  expect(decodeMessage('V1Toleration', seconds)).toEqual({ tolerationSeconds: 9_007_199_254_740_991 });
});

// Users choose keys of maps; JavaScript's own names are keys as any other.
import { expect, test } from 'vitest';
import { decodeObject } from './fields.ts';
import { cloneJson, type JsonObject, jsonEqual, semanticEqual } from './json.ts';
import { applyJsonPatch } from './patch/json-patch.ts';
import { applyMergePatch } from './patch/merge-patch.ts';
import { applyStrategicMergePatch } from './patch/strategic-merge.ts';
import { findKind } from './scheme.ts';
import { matchesLabelSelector } from './selectors/label.ts';
import { validateCreate } from './validate/validate.ts';

const names = ['__proto__', 'constructor', 'toString', 'hasOwnProperty'];
const object = (name: string, value = '1'): JsonObject => JSON.parse(`{"data":{"${name}":"${value}"}}`) as JsonObject;
const configMap = findKind('', 'v1', 'ConfigMap');
if (configMap === undefined) throw new Error('ConfigMap');

test.each(names)('%s as a key', (name) => {
  const text = JSON.stringify(object(name));
  expect(JSON.stringify(cloneJson(object(name)))).toBe(text);
  expect(JSON.stringify(applyMergePatch({ data: {} }, text))).toBe(text);
  expect(JSON.stringify(applyMergePatch({}, text))).toBe(text);
  expect(JSON.stringify(applyStrategicMergePatch('V1ConfigMap', { data: {} }, text))).toBe(text);
  const add = `[{"op":"add","path":"/data/${name}","value":"1"}]`;
  expect(JSON.stringify(applyJsonPatch({ data: {} }, add))).toBe(text);
  const removed = `{"data":{"${name}":null}}`;
  expect(applyMergePatch(object(name), removed)).toEqual({ data: {} });
  for (const equal of [jsonEqual, semanticEqual]) {
    expect(equal(object(name), object(name))).toBe(true);
    expect(equal(object(name), object(name, '2'))).toBe(false);
    expect(equal(object(name), { data: { a: '1' } })).toBe(false);
    expect(equal({ data: { a: '1' } }, { data: { a: '1', ...(object(name).data as JsonObject) } })).toBe(false);
  }
  expect(matchesLabelSelector({ matchExpressions: [{ key: name, operator: 'Exists' }] }, {})).toBe(false);
});

test('such keys are no repetition of what no map has', () => {
  const text = '{"metadata":{"name":"a","namespace":"b"},"data":{"constructor":"1"},"binaryData":{"x":"eA=="}}';
  const { object: map } = decodeObject(configMap, text, 'Strict');
  expect(validateCreate(configMap, map)).toEqual([]);
  expect(JSON.stringify(decodeObject(configMap, '{"data":{"__proto__":"1"}}', 'Strict').object)).toContain('{"__proto__":"1"}');
});

// The outcomes are those of the original apiserver on a ConfigMap.
import { expect, test } from 'vitest';
import type { JsonObject } from '../json.ts';
import { applyJsonPatch } from './json-patch.ts';
import { applyMergePatch } from './merge-patch.ts';

const original: JsonObject = { metadata: { name: 'p', labels: { a: 'b' } }, data: { x: '1' }, list: [1, 2] };
const rejected = 'the server rejected our request due to an error in our request';

test.each<[string, JsonObject]>([
  ['[{"op":"replace","path":"/data/y","value":"2"}]', { ...original, data: { x: '1', y: '2' } }],
  ['[{"op":"remove","path":"/data/x"}]', { ...original, data: {} }],
  ['[{"op":"copy","from":"/data/x","path":"/data/r"}]', { ...original, data: { x: '1', r: '1' } }],
  ['[{"op":"move","from":"/data/x","path":"/data/r"}]', { ...original, data: { r: '1' } }],
  ['[{"op":"add","path":"/data/a~1b","value":"c"}]', { ...original, data: { x: '1', 'a/b': 'c' } }],
  ['[{"op":"add","path":"/list/1","value":9},{"op":"add","path":"/list/-","value":8}]', { ...original, list: [1, 9, 2, 8] }],
  ['[{"op":"test","path":"/data/x","value":"1"},{"op":"remove","path":"/list/0"}]', { ...original, list: [2] }],
  ['[{"op":"add","path":"data/x","value":"1"}]', { ...original, x: '1' }],
])('%s', (patch, expected) => {
  const before = JSON.stringify(original);
  expect(applyJsonPatch(original, patch)).toEqual(expected);
  expect(JSON.stringify(original)).toBe(before);
});

test.each([
  ['[{"op":"remove","path":"/data/y"}]', 422, rejected],
  ['[{"op":"test","path":"/data/x","value":"2"}]', 422, rejected],
  ['[{"op":"test","path":"/data/zz","value":"2"}]', 422, rejected],
  ['[{"op":"add","path":"/foo/bar","value":"2"}]', 422, rejected],
  ['[{"op":"nope","path":"/data/x"}]', 422, rejected],
  ['[{"op":"move","from":"/data/q","path":"/data/r"}]', 422, rejected],
  ['[{"path":"/data/x"}]', 422, rejected],
  ['[{"op":"remove","path":""}]', 422, rejected],
  ['{"op":"add"}', 400, 'error decoding patch: json: cannot unmarshal object into Go value of type []handlers.jsonPatchOp'],
  ['xx', 400, "error decoding patch: invalid character 'x' looking for beginning of value"],
])('%s is refused', (patch, code, message) => {
  expect(() => applyJsonPatch(original, patch)).toThrow(expect.objectContaining({ code, message }));
});

test('a merge patch drops nulls, merges objects, replaces lists', () => {
  expect(applyMergePatch(original, '{"data":{"x":null,"z":"1"},"list":[3],"new":{"a":null,"b":1}}')).toEqual({
    ...original,
    data: { z: '1' },
    list: [3],
    new: { b: 1 },
  });
  expect(() => applyMergePatch(original, '[]')).toThrow(
    expect.objectContaining({
      code: 400,
      message: 'error decoding patch: json: cannot unmarshal array into Go value of type map[string]interface {}',
    }),
  );
});

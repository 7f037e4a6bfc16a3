// The cases were answered by the original apiserver (dry run patches of one Deployment); see testdata.
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { applyDefaults } from '../defaults.ts';
import { decodeValue } from '../fields.ts';
import type { JsonObject } from '../json.ts';
import { findKind } from '../scheme.ts';
import { applyStrategicMergePatch } from './strategic-merge.ts';

interface Case {
  readonly patch: JsonObject;
  readonly result?: JsonObject;
  readonly error?: { readonly code: number; readonly message: string };
}

const file = JSON.parse(readFileSync(new URL('../testdata/strategic-merge.json', import.meta.url), 'utf8')) as {
  original: JsonObject;
  cases: Case[];
};
const info = findKind('apps', 'v1', 'Deployment');
if (info === undefined) throw new Error('no Deployment');

test.each(file.cases.filter((c) => c.result !== undefined))('$patch', ({ patch, result }) => {
  const before = JSON.stringify(file.original);
  const patched = applyStrategicMergePatch(info.modelName, file.original, JSON.stringify(patch));
  expect(JSON.stringify(file.original)).toBe(before);
  const { object } = decodeValue(info, JSON.parse(JSON.stringify(patched)) as JsonObject, 'Strict');
  applyDefaults(info, object);
  expect({ ...object, status: undefined }).toEqual({ ...result, status: undefined });
});

test.each(file.cases.filter((c) => c.error !== undefined && c.error.code !== 422))('$patch is refused', ({ patch, error }) => {
  expect(() => applyStrategicMergePatch(info.modelName, file.original, JSON.stringify(patch))).toThrow(
    expect.objectContaining({ message: error?.message, code: error?.code }),
  );
});

test.each(['first', 'last'])(
  'a list that is to replace one where there is none is taken without the directive: %s',
  (where) => {
    const [item, directive] = [{ ip: '1.1.1.1' }, { $patch: 'replace' }];
    const hostIPs = where === 'first' ? [directive, item] : [item, directive];
    const patched = applyStrategicMergePatch('V1Pod', { status: {} }, JSON.stringify({ status: { hostIPs } }));
    expect(patched).toEqual({ status: { hostIPs: [item] } });
  },
);

// What a patch of the largest size that a request may have costs: nothing that grows with its square, and no more memory than bounds say.
import { processorMs } from '@drydock/foundation/testing/processor-time.ts';
import { expect, test } from 'vitest';
import type { JsonObject } from '../json.ts';
import { applyJsonPatch } from './json-patch.ts';
import { applyStrategicMergePatch } from './strategic-merge.ts';

const names = Array.from({ length: 150_000 }, (_, at) => `a${at}`);
const containers = names.map((name) => ({ name }));

/** Takes minutes where it is quadratic, and otherwise a second on a busy machine. */
const patchMaxMs = 15_000;

test.each<[string, string, JsonObject, (patched: JsonObject) => unknown, object]>([
  ['finalizers', 'V1ConfigMap', { metadata: {} }, ({ metadata }) => metadata, { metadata: { finalizers: names } }],
  ['containers', 'V1Pod', { spec: { containers: [{ name: 'c' }] } }, ({ spec }) => spec, { spec: { containers } }],
  [
    'deletions',
    'V1Pod',
    { spec: { containers } },
    ({ spec }) => spec,
    { spec: { containers: names.map((name) => ({ $patch: 'delete', name })) } },
  ],
])(
  'a patch of many %s is merged in a moment',
  (what, model, original, part, patch) => {
    const started = processorMs();
    const [list] = Object.values(
      part(applyStrategicMergePatch(model, original, JSON.stringify(patch))) as object,
    ) as unknown[][];
    const expected = { finalizers: names.length, containers: names.length + 1, deletions: 0 }[what];
    expect(list?.length).toBe(expected);
    expect(processorMs() - started).toBeLessThan(patchMaxMs);
  },
  60_000,
);

test('copies within a JSON patch add 3 MiB at most', () => {
  const copies = (count: number) =>
    Array.from({ length: count }, (_, at) => ({ op: 'copy', from: '/data', path: `/data/${String.fromCharCode(97 + at)}` }));
  const original = { data: { x: 'x'.repeat(1000) } };
  const patched = applyJsonPatch(original, JSON.stringify(copies(11)));
  expect(JSON.stringify(patched).length).toBeGreaterThan(2_000_000);
  expect(() => applyJsonPatch(original, JSON.stringify(copies(26)))).toThrow(expect.objectContaining({ code: 422 }));
});

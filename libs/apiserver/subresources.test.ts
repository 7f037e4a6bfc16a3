// A subresource writes only its own fields: every field of every type, through every subresource, by PUT and every patch.
// The expected side is what the original answered (npm run record:subresources).
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Effect, type Method, methods } from './testing/field-cases.ts';
import { createBases, playSubresource, writableSubresources } from './testing/subresource-run.ts';
import { type WireClient, WireServer } from './testing/wire.ts';

type Recorded = Readonly<Record<string, Readonly<Record<string, Partial<Record<Method | 'all', Effect>>>>>>;
const recorded = JSON.parse(readFileSync(new URL('./testdata/subresources.json', import.meta.url), 'utf8')) as Recorded;

let server: WireServer;
let operator: WireClient;

beforeAll(async () => {
  server = await WireServer.start();
  operator = await server.operator();
  await createBases(operator);
}, 60_000);

afterAll(() => server.stop());

const writables = writableSubresources().map((each) => {
  const { info, subresource } = each;
  return [`${info.group}/${info.version}/${info.resource}/${subresource.name}`, each] as const;
});

test('every subresource that takes writes was recorded', () => {
  expect(writables.map(([name]) => name).sort()).toEqual(Object.keys(recorded).sort());
});

test.each(writables)(
  '%s',
  async (name, writable) => {
    const outcomes = await playSubresource(operator, writable);
    const ours: Record<string, Effect | undefined> = {};
    const expected: Record<string, Effect | undefined> = {};
    for (const [field, effects] of Object.entries(recorded[name] ?? {})) {
      for (const method of methods) {
        const effect = effects.all ?? effects[method];
        if (effect === undefined || !writable.subresource.verbs.includes(method === 'PUT' ? 'update' : 'patch')) continue;
        ours[`${field} by ${method}`] = outcomes[field]?.[method];
        expected[`${field} by ${method}`] = effect;
      }
    }
    expect(Object.keys(ours).length).toBeGreaterThan(0);
    expect(ours).toEqual(expected);
  },
  60_000,
);

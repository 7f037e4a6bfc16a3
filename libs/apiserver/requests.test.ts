// Whole answers, as recorded from the original (npm run record:requests): options of deletions, evictions, schedules, warnings.
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { before, makeBefore, play, type Recorded, requestCases } from './testing/request-cases.ts';
import { type WireClient, WireServer } from './testing/wire.ts';

const recorded = JSON.parse(readFileSync(new URL('./testdata/requests.json', import.meta.url), 'utf8')) as Record<
  string,
  Recorded
>;

let server: WireServer;
let operator: WireClient;

beforeAll(async () => {
  server = await WireServer.start();
  operator = await server.operator();
  await makeBefore(operator);
}, 60_000);

afterAll(() => server.stop());

test.each(requestCases.map((each) => [each.name, each] as const))('%s', async (name, each) => {
  expect(recorded[name]).toBeDefined();
  expect(await play(operator, each)).toEqual(recorded[name]);
});

test('what was asked dry changed nothing', async () => {
  for (const { path, object } of before) expect((await operator.call('GET', `${path}/${object.metadata.name}`)).code).toBe(200);
});

test('what quotas count is counted once however many ask at the same time, and no more than they allow', async () => {
  const path = '/api/v1/namespaces/q-counts/resourcequotas';
  const spec = { hard: { 'count/serviceaccounts': '5' } };
  await operator.call('POST', path, { body: { metadata: { name: 'accounts' }, spec } });
  const status = { hard: spec.hard, used: { 'count/serviceaccounts': '1' } };
  const type = 'application/merge-patch+json';
  await operator.call('PATCH', `${path}/accounts/status`, { body: { status }, type });
  const accounts = '/api/v1/namespaces/q-counts/serviceaccounts';
  const made = await Promise.all(
    Array.from({ length: 12 }, (_, index) => operator.call('POST', accounts, { body: { metadata: { name: `a${index}` } } })),
  );
  expect(made.filter(({ code }) => code === 201)).toHaveLength(4);
  expect(made.filter(({ code }) => code === 403)).toHaveLength(8);
  expect((await operator.call('GET', `${path}/accounts`)).body.status.used).toEqual({ 'count/serviceaccounts': '5' });
});

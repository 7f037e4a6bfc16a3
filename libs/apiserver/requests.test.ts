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

import { configMaps } from '@drydock/api/resource.ts';
import { SeededRandom } from '@drydock/foundation/random.ts';
import { VirtualClock } from '@drydock/foundation/virtual-clock.ts';
import { expect, test } from 'vitest';
import { LimitedClient, limited, rateOf } from './rate-limit.ts';
import { MemoryApi } from './testing/memory-api.ts';

function world() {
  const clock = new VirtualClock();
  const inner = new MemoryApi({ clock, random: new SeededRandom(1) });
  const atMs: number[] = [];
  inner.injectFault(() => atMs.push(clock.monotonicMs()));
  return { clock, inner, atMs };
}

test('after the burst, calls go out at the rate, in their order; a quiet time fills the bucket up to the burst again', async () => {
  const { clock, inner, atMs } = world();
  const client = new LimitedClient(inner, clock, { perSecond: 20, burst: 30 });
  for (let call = 0; call < 50; call++) void client.list(configMaps);
  await clock.advanceAsync(0);
  expect(atMs).toHaveLength(30);
  await clock.advanceAsync(500);
  expect(atMs).toHaveLength(40);
  await clock.advanceAsync(60_000);
  expect([atMs.length, atMs[30], atMs.at(-1)]).toEqual([50, 50, 1_000]);
  for (let call = 0; call < 100; call++) void client.list(configMaps);
  await clock.advanceAsync(0);
  expect(atMs).toHaveLength(80);
});

test('however long it goes on, no second has more calls than the burst and the rate', async () => {
  const { clock, inner, atMs } = world();
  const client = new LimitedClient(inner, clock, { perSecond: 20, burst: 30 });
  // Fifty-five a second, as a controller that remakes refused pods in vain.
  for (let at = 0; at < 20_000; at += 1000 / 55) {
    void client.list(configMaps);
    await clock.advanceAsync(1000 / 55);
  }
  for (let from = 0; from < 20_000; from += 1_000) {
    const count = atMs.filter((ms) => ms >= from && ms < from + 1_000).length;
    expect(count).toBeLessThanOrEqual(from === 0 ? 51 : 21);
  }
});

test('a call that is given up while it waits leaves its turn to the next', async () => {
  const { clock, inner, atMs } = world();
  const client = new LimitedClient(inner, clock, { perSecond: 1, burst: 1 });
  await client.list(configMaps);
  const stop = new AbortController();
  const given = client.list(configMaps, { signal: stop.signal }).catch((reason: Error) => reason.message);
  stop.abort(new Error('enough'));
  expect(await given).toBe('enough');
  void client.list(configMaps);
  await clock.advanceAsync(1_000);
  expect(atMs).toHaveLength(2);
});

test('watches are not counted', async () => {
  const { clock, inner, atMs } = world();
  const client = new LimitedClient(inner, clock, { perSecond: 1, burst: 1 });
  await client.list(configMaps);
  const stop = new AbortController();
  void client.watch(configMaps, { signal: stop.signal })[Symbol.asyncIterator]().next();
  await clock.advanceAsync(0);
  expect(atMs).toHaveLength(2);
  stop.abort();
});

test('QPS and burst are read as client-go reads them', () => {
  expect(rateOf(20, 30)).toEqual({ perSecond: 20, burst: 30 });
  expect(rateOf(0, 0)).toEqual({ perSecond: 5, burst: 10 });
  expect(rateOf(-1, 0)).toBeUndefined();
  expect(() => rateOf(20, 0)).toThrow('burst is required to be greater than 0');
  const { clock, inner } = world();
  expect(limited(inner, clock, undefined)).toBe(inner);
});

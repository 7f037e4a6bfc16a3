import type { KubeObject } from '@drydock/api/resource.ts';
import { silentLog } from '@drydock/foundation/log.ts';
import { VirtualClock } from '@drydock/foundation/virtual-clock.ts';
import { expect, test } from 'vitest';
import { watchHistoryMaxEvents } from '../limits.ts';
import { decodeStored, ObjectStore } from '../storage/object-store.ts';
import { MemoryStore } from '../testing/memory-store.ts';
import { type CacheEvent, WatchCache } from './watch-cache.ts';

const prefix = '/registry/configmaps/';

function setUp() {
  const store = new MemoryStore();
  const clock = new VirtualClock();
  const objects = new ObjectStore(store, clock);
  const cache = new WatchCache({ store, prefix, decode: decodeStored, clock, log: silentLog });
  const put = (name: string, value = '') =>
    objects.update(`${prefix}default/${name}`, undefined, () => ({
      put: { metadata: { name }, data: { value } } as KubeObject,
    }));
  const remove = (name: string) =>
    objects.update(`${prefix}default/${name}`, undefined, (current) => ({ remove: true, object: current?.object ?? {} }));
  return { store, clock, cache, put, remove };
}

function record(cache: WatchCache, from: number) {
  const events: string[] = [];
  let ended = false;
  const onEvent = (event: CacheEvent) => events.push(`${event.type} ${event.entry.object.metadata?.name} ${event.revision}`);
  const stop = cache.subscribe(from, {
    onEvent,
    ended: () => {
      ended = true;
    },
  });
  return { events, stop, ended: () => ended };
}

test('a cache holds what the store has and follows it', async () => {
  const { cache, put, remove } = setUp();
  await put('b');
  await put('a');
  await cache.start();
  await put('c');
  await remove('b');
  expect([...cache.range(`${prefix}default/`)].map((entry) => entry.object.metadata?.name)).toEqual(['a', 'c']);
});

test('a listener resumes after its version and gets every later event once, in order', async () => {
  const { store, cache, put, remove } = setUp();
  await cache.start();
  await put('a');
  const from = store.revision;
  await put('a', 'x');
  const { events } = record(cache, from);
  await put('b');
  await remove('a');
  expect(events).toEqual([`MODIFIED a ${from + 1}`, `ADDED b ${from + 2}`, `DELETED a ${from + 3}`]);
});

test('a version older than the history is Expired', async () => {
  const { cache, put } = setUp();
  await cache.start();
  const from = cache.revision;
  for (let i = 0; i <= watchHistoryMaxEvents; i++) await put('a', String(i));
  expect(() => record(cache, from)).toThrow(/^too old resource version: \d+ \(\d+\)$/);
});

test('a broken watch goes on where it was, without a gap', async () => {
  const { store, clock, cache, put } = setUp();
  await cache.start();
  const { events } = record(cache, cache.revision);
  store.breakWatches(false);
  await put('a');
  await clock.advanceAsync(1_000);
  expect(events).toEqual([`ADDED a ${store.revision}`]);
});

test('a compacted watch ends its listeners and fills the cache anew', async () => {
  const { store, clock, cache, put } = setUp();
  await cache.start();
  const { ended } = record(cache, cache.revision);
  store.breakWatches(true);
  await put('a');
  await clock.advanceAsync(1_000);
  expect(ended()).toBe(true);
  expect(cache.get(`${prefix}default/a`)).toBeDefined();
});

test('a reader waits for a version until the store says that it has been delivered', async () => {
  const { store, clock, cache } = setUp();
  await cache.start();
  await new ObjectStore(store, clock).create('/registry/secrets/default/x', {});
  expect(cache.revision).toBeLessThan(store.revision);
  expect(await cache.waitFresh(store.revision)).toBe(true);
});

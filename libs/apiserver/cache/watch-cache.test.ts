import type { KubeObject } from '@drydock/api/resource.ts';
import type { ApiError } from '@drydock/api/status.ts';
import type { Log } from '@drydock/foundation/log.ts';
import { silentLog } from '@drydock/foundation/log.ts';
import { VirtualClock } from '@drydock/foundation/virtual-clock.ts';
import { expect, test } from 'vitest';
import { watchHistoryMaxEvents } from '../limits.ts';
import { decodeStored, ObjectStore } from '../storage/object-store.ts';
import { TrackedStore } from '../storage/tracked-store.ts';
import { MemoryStore } from '../testing/memory-store.ts';
import type { CacheEvent } from './entry.ts';
import { WatchCache } from './watch-cache.ts';

const prefix = '/registry/configmaps/';

function setUp(log: Log = silentLog) {
  const memory = new MemoryStore();
  const clock = new VirtualClock();
  const store = new TrackedStore({ store: memory, clock, log: silentLog });
  // What others write: this server learns of it by its watches only.
  const objects = new ObjectStore(memory, clock);
  const cache = new WatchCache({ store, prefix, decode: decodeStored, clock, log });
  const put = (name: string, value = '') =>
    objects.update(`${prefix}default/${name}`, undefined, () => ({
      put: { kind: 'ConfigMap', apiVersion: 'v1', metadata: { name }, data: { value } } as KubeObject,
    }));
  const remove = (name: string) =>
    objects.update(`${prefix}default/${name}`, undefined, (current) => ({ remove: true, object: current?.object ?? {} }));
  const raw = (name: string, value: string) =>
    memory.txn({ guards: [], writes: [{ op: 'put', key: `${prefix}default/${name}`, value: Buffer.from(value) }] });
  return { memory, store, clock, cache, put, remove, raw };
}

function record(cache: WatchCache, from: number) {
  const events: string[] = [];
  let end: ApiError | 'silent' | undefined;
  const add = (event: CacheEvent) => events.push(`${event.type} ${event.entry.object.metadata?.name} ${event.revision}`);
  const { next, stop } = cache.subscribe(from, {
    onEvent: add,
    ended: (error) => {
      end = error ?? 'silent';
    },
  });
  for (let number = next; number < cache.log.next; number++) add(cache.log.at(number) as CacheEvent);
  return { events, stop, end: () => end };
}

const names = (cache: WatchCache) => [...cache.range(prefix)].map((entry) => entry.object.metadata?.name);

test('a cache holds what the store has and follows it', async () => {
  const { cache, put, remove } = setUp();
  await put('b');
  await put('a');
  await cache.start();
  await put('c');
  await remove('b');
  await cache.waitFresh(5);
  expect(names(cache)).toEqual(['a', 'c']);
  expect(cache.snapshot(prefix)).toBe(cache.snapshot(prefix));
});

test('a listener resumes after its version and gets every later event once, in order', async () => {
  const { memory, cache, put, remove } = setUp();
  await cache.start();
  await put('a');
  const from = memory.revision;
  await put('a', 'x');
  await cache.waitFresh(memory.revision);
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
  const { memory, clock, cache, put } = setUp();
  await put('z');
  await cache.start();
  await cache.waitFresh(memory.revision);
  const { events, end } = record(cache, cache.revision);
  memory.breakWatches(false);
  await put('a');
  await clock.advanceAsync(1_000);
  expect([events, end()]).toEqual([[`ADDED a ${memory.revision}`], undefined]);
});

test('a compacted watch ends its listeners with Expired, lets nobody on with an old position, and fills the cache anew', async () => {
  const { memory, clock, cache, put } = setUp();
  await cache.start();
  await cache.waitFresh(memory.revision);
  const lost = cache.revision;
  const { end } = record(cache, lost);
  memory.breakWatches(true);
  expect((end() as ApiError).reason).toBe('Expired');
  expect(() => record(cache, lost)).toThrow('storage is (re)initializing');
  await put('a');
  await clock.advanceAsync(1_000);
  expect(cache.get(`${prefix}default/a`)).toBeDefined();
  expect(() => record(cache, lost)).toThrow(/^too old resource version/);
  expect(cache.hint(`${prefix}default/a`)).toBeDefined();
});

test('a reader waits for a version until the store says that it has been delivered', async () => {
  const { memory, clock, cache } = setUp();
  await cache.start();
  await new ObjectStore(memory, clock).create('/registry/secrets/default/x', {});
  expect(cache.revision).toBeLessThan(memory.revision);
  expect(await cache.waitFresh(memory.revision)).toBe(true);
});

test('a value that cannot be decoded is told of once, is left out, and does not stop the cache', async () => {
  const told: unknown[] = [];
  const log = { ...silentLog, error: (fields: object) => told.push((fields as { key?: string }).key) } as unknown as Log;
  const { memory, clock, cache, put, remove, raw } = setUp(log);
  const broken = [
    '{"kind": garbage',
    'null',
    '42',
    '[]',
    '"text"',
    '',
    '{}',
    '{"kind":"ConfigMap","apiVersion":"v1","metadata":5}',
  ];
  await raw('first', 'k8s\0protobuf');
  await put('a');
  await cache.start();
  await cache.waitFresh(memory.revision);
  expect(cache.broken(prefix)?.message).toContain(`"${prefix}default/first"`);
  const { events } = record(cache, cache.revision);
  for (const value of broken) await raw('a', value);
  await put('b');
  expect(names(cache)).toEqual(['b']);
  expect(cache.broken(`${prefix}default/`)?.message).toContain('couldn');
  expect(cache.broken(`${prefix}other/`)).toBeUndefined();
  const from = memory.revision;
  await put('a', 'mended').catch(() => {});
  await raw('a', '{"kind":"ConfigMap","apiVersion":"v1","metadata":{"name":"a"}}');
  await raw('a', 'broken again');
  await memory.txn({ guards: [], writes: [{ op: 'delete', key: `${prefix}default/a` }] });
  await memory.txn({ guards: [], writes: [{ op: 'delete', key: `${prefix}default/first` }] });
  await remove('b');
  // Watchers of a see its last good state until there is a better one.
  expect(events).toEqual([`ADDED b ${from}`, `MODIFIED a ${from + 1}`, `DELETED a ${from + 3}`, `DELETED b ${from + 5}`]);
  expect(cache.broken(prefix)).toBeUndefined();
  memory.breakWatches(true);
  await clock.advanceAsync(1_000);
  expect(told).toEqual(['first', ...broken.map(() => 'a'), 'a'].map((name) => `${prefix}default/${name}`));
});

import type { ConfigMap, Secret } from '@drydock/api/generated/types.ts';
import { configMaps, secrets as secretsResource } from '@drydock/api/resource.ts';
import { apiError } from '@drydock/api/status.ts';
import { silentLog } from '@drydock/foundation/log.ts';
import { SeededRandom } from '@drydock/foundation/random.ts';
import { VirtualClock } from '@drydock/foundation/virtual-clock.ts';
import { expect, test } from 'vitest';
import { InformerFactory } from './informer-factory.ts';
import { MemoryApi } from './testing/memory-api.ts';

function setUp() {
  const clock = new VirtualClock();
  const random = new SeededRandom(7);
  const client = new MemoryApi({ clock, random });
  const stop = new AbortController();
  const factory = new InformerFactory({ client, clock, random, log: silentLog, freeze: true });
  const informer = factory.of(configMaps);
  const changes: string[] = [];
  informer.subscribe(({ before, after }) => changes.push(`${before?.data?.n ?? '-'}>${after?.data?.n ?? '-'}`));
  const make = (name: string, n: string) =>
    client.create<ConfigMap>(configMaps, { metadata: { namespace: 'a', name }, data: { n } });
  return { clock, client, stop, factory, informer, changes, make };
}

test('lists, follows, and shows a write once it has been seen', async () => {
  const { client, stop, factory, informer, changes, make } = setUp();
  await make('x', '1');
  factory.start(stop.signal);
  await factory.synced();
  expect(changes).toEqual(['->1']);
  const made = await make('y', '2');
  await informer.seen(made.metadata?.resourceVersion ?? '');
  const next = await client.update<ConfigMap>(configMaps, { ...made, data: { n: '3' } });
  await informer.seen(next.metadata?.resourceVersion ?? '');
  await client.delete(configMaps, { namespace: 'a', name: 'x' });
  await informer.seen(String(client.store.revision));
  expect(changes).toEqual(['->1', '->2', '2>3', '1>-']);
  expect([...informer.list()].map((object) => object.metadata?.name)).toEqual(['y']);
  stop.abort();
  await factory.stopped();
});

test('one informer per resource, and indexes follow the objects', async () => {
  const { client, stop, factory, informer, make } = setUp();
  expect(factory.of(configMaps)).toBe(informer);
  informer.index('n', (object) => [object.data?.n ?? '']);
  factory.start(stop.signal);
  const made = await make('x', '1');
  await informer.seen(made.metadata?.resourceVersion ?? '');
  const names = (value: string) => [...informer.lookup('n', value)].map((object) => object.metadata?.name);
  expect(names('1')).toEqual(['x']);
  const next = await client.update<ConfigMap>(configMaps, { ...made, data: { n: '2' } });
  await informer.seen(next.metadata?.resourceVersion ?? '');
  expect([names('1'), names('2')]).toEqual([[], ['x']]);
  expect(() => informer.lookup('m', '1')).toThrow(RangeError);
  stop.abort();
});

test('objects of the cache cannot be changed', async () => {
  const { stop, factory, informer, make } = setUp();
  await make('x', '1');
  factory.start(stop.signal);
  await factory.synced();
  const object = informer.get({ namespace: 'a', name: 'x' });
  expect(() => Object.assign(object?.data ?? {}, { n: '9' })).toThrow(TypeError);
  stop.abort();
});

test('an outage is waited out, and the watch goes on where it was, without a new list', async () => {
  const { clock, client, stop, factory, informer, changes, make } = setUp();
  let lists = 0;
  let down = false;
  client.injectFault((verb) => {
    if (verb === 'list') lists++;
    if (down && verb !== 'create') throw apiError('ServiceUnavailable', 'down');
  });
  factory.start(stop.signal);
  await factory.synced();
  down = true;
  client.breakWatches();
  await clock.advanceAsync(10_000);
  expect(informer.following).toBe(false);
  await make('x', '1');
  down = false;
  await clock.advanceAsync(60_000);
  expect(informer.following).toBe(true);
  expect(changes).toEqual(['->1']);
  expect(lists).toBe(1);
  stop.abort();
});

test('410 Gone makes it list again: what was missed arrives, what is gone is removed', async () => {
  const { clock, client, stop, factory, informer, changes, make } = setUp();
  await make('x', '1');
  let cut = false;
  client.injectFault((verb) => {
    if (cut && (verb === 'watch' || verb === 'list')) throw apiError('ServiceUnavailable', 'cut off');
  });
  factory.start(stop.signal);
  await factory.synced();
  await clock.advanceAsync(1);
  cut = true;
  await make('y', '2');
  await clock.advanceAsync(1);
  client.store.compact();
  await client.delete(configMaps, { namespace: 'a', name: 'x' });
  await make('z', '3');
  client.store.compact();
  cut = false;
  await clock.advanceAsync(120_000);
  expect([...informer.list()].map((object) => object.metadata?.name).sort()).toEqual(['y', 'z']);
  expect(changes.sort()).toEqual(['->1', '->2', '->3', '1>-'].sort());
  stop.abort();
});

test.each(['metadata first', 'full first', 'metadata first, before the start'])(
  'one watch serves metadata and the whole: %s',
  async (order) => {
    const { clock, client, factory } = onLaggingServer();
    const watches: string[] = [];
    client.injectFault((verb, resource) => {
      if (verb === 'watch') watches.push(resource.resource);
    });
    const stop = new AbortController();
    if (!order.endsWith('start')) factory.start(stop.signal);
    const other = secretsResource;
    const secrets = (kind: 'full' | 'metadata') => (kind === 'full' ? factory.of(other) : factory.metadataOf(other));
    const create = (name: string) => client.create<Secret>(other, { metadata: { namespace: 'a', name }, data: { k: 'dg==' } });
    await create('one');
    await create('two');
    const first = secrets(order.startsWith('metadata') ? 'metadata' : 'full');
    const changes: string[] = [];
    first.subscribe(({ before, after }) => changes.push(`${before?.metadata?.name ?? '-'}>${after?.metadata?.name ?? '-'}`));
    await clock.advanceAsync(1_000);
    await client.delete(other, { namespace: 'a', name: 'two' });
    const second = secrets(order.startsWith('metadata') ? 'full' : 'metadata');
    factory.start(stop.signal);
    await clock.advanceAsync(1_000);
    const made = await create('three');
    await Promise.all([first.seen(made.metadata?.resourceVersion ?? ''), second.seen(made.metadata?.resourceVersion ?? '')]);
    await client.delete(other, { namespace: 'a', name: 'three' });
    await clock.advanceAsync(1_000);
    const held = [first, second].map((informer) => [...informer.list()].map(({ metadata }) => metadata?.name));
    expect(held).toEqual([['one'], ['one']]);
    const full = factory.of(other);
    expect(full.get({ namespace: 'a', name: 'one' })?.data).toEqual({ k: 'dg==' });
    expect(changes.filter((change) => change.includes('three'))).toEqual(['->three', 'three>-']);
    watches.length = 0;
    client.breakWatches();
    await clock.advanceAsync(60_000);
    expect(watches.filter((name) => name === 'secrets')).toHaveLength(1);
    stop.abort();
    await factory.stopped();
  },
);

function onLaggingServer(firstList?: 'cached' | 'consistent') {
  const clock = new VirtualClock();
  const random = new SeededRandom(7);
  const client = new MemoryApi({ clock, random });
  const factory = new InformerFactory({ client, clock, random, log: silentLog, firstList });
  const informer = factory.of(configMaps);
  const names = () => [...informer.list()].map((object) => object.metadata?.name);
  const make = (name: string) => client.create<ConfigMap>(configMaps, { metadata: { namespace: 'a', name } });
  return { clock, client, factory, informer, names, make };
}

test.each([
  [undefined, ['old', 'new']],
  ['consistent', ['old', 'new']],
  ['cached', ['old']],
] as const)('the first list (%s) on a server whose cache lags', async (firstList, expected) => {
  const { client, factory, names, make } = onLaggingServer(firstList);
  await make('old');
  client.lag();
  await make('new');
  const stop = new AbortController();
  factory.start(stop.signal);
  await factory.synced();
  expect(names().sort()).toEqual([...expected].sort());
  stop.abort();
  await factory.stopped();
});

test.each(['consistent', 'cached'] as const)(
  'who refreshes sees all that was there before, also on a lagging server (%s)',
  async (first) => {
    const { clock, client, factory, informer, names, make } = onLaggingServer(first);
    const stop = new AbortController();
    await make('a');
    factory.start(stop.signal);
    await factory.synced();
    await clock.advanceAsync(0);
    client.lag();
    await make('b');
    await client.delete(configMaps, { namespace: 'a', name: 'a' });
    await clock.advanceAsync(60_000);
    expect(names()).toEqual(['a']);
    const changes: string[] = [];
    informer.subscribe(({ before, after }) => changes.push(`${before?.metadata?.name}>${after?.metadata?.name}`));
    await factory.refresh();
    expect(names()).toEqual(['b']);
    expect(changes).toEqual(['undefined>a', 'a>undefined', 'undefined>b']);
    // And goes on from there.
    client.follow();
    const last = await make('c');
    await informer.seen(last.metadata?.resourceVersion ?? '');
    expect(names()).toEqual(['b', 'c']);
    stop.abort();
    await factory.stopped();
  },
);

test('a refresh while the server fails waits for the list that succeeds', async () => {
  const { clock, client, factory, names, make } = onLaggingServer();
  const stop = new AbortController();
  factory.start(stop.signal);
  await factory.synced();
  client.lag();
  await make('b');
  let failures = 2;
  client.injectFault((verb) => {
    if (verb === 'list' && failures-- > 0) throw apiError('ServiceUnavailable', 'no leader');
  });
  let done = false;
  const refreshed = factory.refresh().then(() => {
    done = true;
  });
  await clock.advanceAsync(100);
  expect(done).toBe(false);
  await clock.advanceAsync(10_000);
  await refreshed;
  expect(names()).toEqual(['b']);
  stop.abort();
  await factory.stopped();
});

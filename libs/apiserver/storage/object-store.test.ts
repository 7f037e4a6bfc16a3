import type { KubeObject } from '@drydock/api/resource.ts';
import { VirtualClock } from '@drydock/foundation/virtual-clock.ts';
import { expect, test } from 'vitest';
import { MemoryStore } from '../testing/memory-store.ts';
import { ObjectStore } from './object-store.ts';

const key = '/registry/configmaps/default/a';
const object = (value: string): KubeObject =>
  ({ kind: 'ConfigMap', apiVersion: 'v1', metadata: { name: 'a' }, data: { value } }) as KubeObject;

function dataOf(found: KubeObject | undefined): string {
  return (found as { data?: { value?: string } } | undefined)?.data?.value ?? '';
}

function setUp() {
  const store = new MemoryStore();
  return { store, objects: new ObjectStore(store, new VirtualClock()) };
}

test('the resourceVersion is the revision of the write and is not stored', async () => {
  const { store, objects } = setUp();
  const created = await objects.create(key, { ...object('1'), metadata: { name: 'a', resourceVersion: '99' } });
  expect(created?.metadata?.resourceVersion).toBe(String(store.revision));
  const { kvs } = await store.range({ key });
  expect(JSON.parse(kvs[0]?.value.toString() ?? '')).toEqual({
    kind: 'ConfigMap',
    apiVersion: 'v1',
    metadata: { name: 'a' },
    data: { value: '1' },
  });
});

test('a key is created once', async () => {
  const { objects } = setUp();
  expect(await objects.create(key, object('1'))).toBeDefined();
  expect(await objects.create(key, object('2'))).toBeUndefined();
});

test('an update whose object changed in between decides again on what is there now', async () => {
  const { objects } = setUp();
  await objects.create(key, object('1'));
  const seen: unknown[] = [];
  await objects.update(key, undefined, async (current) => {
    const value = dataOf(current?.object);
    seen.push(value);
    if (seen.length === 1) await objects.update(key, undefined, () => ({ put: object('other') }));
    return { put: object(`${value}+`) };
  });
  expect(seen).toEqual(['1', 'other']);
  expect((await objects.read(key))?.object).toMatchObject({ data: { value: 'other+' } });
});

test('an update to the same bytes writes nothing', async () => {
  const { store, objects } = setUp();
  await objects.create(key, object('1'));
  const before = store.revision;
  const outcome = await objects.update(key, undefined, (current) => ({ put: current?.object ?? object('?') }));
  expect(outcome?.action).toBe('unchanged');
  expect(store.revision).toBe(before);
});

test('an error on a stale hint is decided again on the real state', async () => {
  const { objects } = setUp();
  await objects.create(key, object('new'));
  const stale = { revision: 1, object: object('old') };
  const outcome = await objects.update(key, stale, (current) => {
    if (dataOf(current?.object) === 'old') throw new Error('stale');
    return { put: object('done') };
  });
  expect(outcome?.object).toMatchObject({ data: { value: 'done' } });
});

test('an object with a time to live is written though the store has lost the lease', async () => {
  const { store, objects } = setUp();
  await objects.create(key, object('1'), 3600);
  store.restore(1);
  expect(await objects.create(key, object('2'), 3600)).toBeDefined();
  expect(dataOf((await objects.read(key))?.object)).toBe('2');
});

test('what a stale hint says is kept or unchanged is asked again of the store', async () => {
  const { store, objects } = setUp();
  const old = await objects.create(key, object('1'));
  const hint = { revision: store.revision, object: old as KubeObject };
  await objects.update(key, undefined, () => ({ put: object('2') }));
  const seen: string[] = [];
  const outcome = await objects.update(key, hint, (current) => {
    seen.push(dataOf(current?.object));
    return { keep: true };
  });
  expect([seen, dataOf(outcome?.object)]).toEqual([['1', '2'], '2']);
});

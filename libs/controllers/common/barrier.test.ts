import { pods } from '@drydock/api/resource.ts';
import { expect, test } from 'vitest';
import { pod } from '../testing/objects.ts';
import { barrierTimeoutMs, WriteBarrier } from './barrier.ts';

const versioned = (name: string, resourceVersion: string) => {
  const base = pod(name);
  return { ...base, metadata: { ...base.metadata, resourceVersion } };
};

function barrier() {
  const cache = { objects: new Map<string, ReturnType<typeof pod>>(), resourceVersion: '10' };
  const seen = {
    get: (key: { name: string }) => cache.objects.get(key.name),
    get resourceVersion() {
      return cache.resourceVersion;
    },
  };
  return { cache, barrier: new WriteBarrier((resource) => (resource === pods ? seen : undefined)) };
}

test('a write holds its key, and only that, until the cache shows it', () => {
  const { cache, barrier: b } = barrier();
  b.wrote('rs', pods, versioned('a', '12'), 0);
  expect([b.settled('rs', 0), b.settled('other', 0)]).toEqual([false, true]);
  cache.objects.set('a', versioned('a', '11'));
  expect(b.settled('rs', 0)).toBe(false);
  cache.objects.set('a', versioned('a', '12'));
  expect(b.settled('rs', 0)).toBe(true);
});

test('an object that came and went is shown by the version of the whole cache', () => {
  const { cache, barrier: b } = barrier();
  b.wrote('rs', pods, versioned('a', '12'), 0);
  cache.resourceVersion = '13';
  expect(b.settled('rs', 0)).toBe(true);
});

test('a deletion is shown when the object is going, gone or another', () => {
  const { cache, barrier: b } = barrier();
  cache.objects.set('a', versioned('a', '9'));
  b.deleted('rs', pods, { namespace: 'default', name: 'a' }, 'uid-a', 0);
  expect(b.settled('rs', 0)).toBe(false);
  cache.objects.set('a', pod('a', { deleting: true }));
  expect(b.settled('rs', 0)).toBe(true);
});

test('the barrier gives way in the end', () => {
  const { barrier: b } = barrier();
  b.wrote('rs', pods, versioned('a', '12'), 0);
  expect(b.settled('rs', barrierTimeoutMs)).toBe(true);
});

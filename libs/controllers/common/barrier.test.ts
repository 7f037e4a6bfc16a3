import { pods } from '@drydock/api/resource.ts';
import { VirtualClock } from '@drydock/foundation/virtual-clock.ts';
import { expect, test } from 'vitest';
import { pod } from '../testing/objects.ts';
import { barrierTimeoutMs, unknownSettleMs, WriteBarrier } from './barrier.ts';

const versioned = (name: string, resourceVersion: string) => {
  const base = pod(name);
  return { ...base, metadata: { ...base.metadata, resourceVersion } };
};

function barrier() {
  const clock = new VirtualClock();
  const cache = { objects: new Map<string, ReturnType<typeof pod>>(), resourceVersion: '10', refreshes: 0 };
  const waiting: (() => void)[] = [];
  const seen = {
    get: (key: { name: string }) => cache.objects.get(key.name),
    get resourceVersion() {
      return cache.resourceVersion;
    },
    when: (ready: () => boolean) => new Promise<void>((resolve) => waiting.push(() => ready() && resolve())),
    refresh: async () => void cache.refreshes++,
  };
  const b = new WriteBarrier((resource) => (resource === pods ? seen : undefined), clock);
  const woken: string[] = [];
  const wake = (key: string) => void b.whenSettled(key).then(() => woken.push(key));
  const change = (change: () => void) => {
    change();
    for (const look of waiting) look();
  };
  return { clock, cache, barrier: b, wake, woken, change };
}

test('a write holds its key, and only that, until the cache shows it, which wakes the key', async () => {
  const { clock, cache, barrier: b, wake, woken, change } = barrier();
  b.wrote('rs', pods, versioned('a', '12'));
  b.wrote('rs', pods, versioned('b', '13'));
  expect([b.settled('rs'), b.settled('other')]).toEqual([false, true]);
  wake('rs');
  change(() => cache.objects.set('b', versioned('b', '13')));
  change(() => cache.objects.set('a', versioned('a', '11')));
  await clock.advanceAsync(1_000);
  expect([b.settled('rs'), woken]).toEqual([false, []]);
  change(() => cache.objects.set('a', versioned('a', '12')));
  await clock.advanceAsync(0);
  expect([b.settled('rs'), woken]).toEqual([true, ['rs']]);
});

test('an object that came and went is shown by the version of the whole cache', async () => {
  const { clock, cache, barrier: b, wake, woken, change } = barrier();
  b.wrote('rs', pods, versioned('a', '12'));
  wake('rs');
  change(() => {
    cache.resourceVersion = '13';
  });
  await clock.advanceAsync(0);
  expect([b.settled('rs'), woken]).toEqual([true, ['rs']]);
});

test('a deletion is shown when the object is going, gone or another', async () => {
  const { clock, cache, barrier: b, wake, woken, change } = barrier();
  cache.objects.set('a', versioned('a', '9'));
  b.deleted('rs', pods, { namespace: 'default', name: 'a' }, 'uid-a');
  expect(b.settled('rs')).toBe(false);
  wake('rs');
  change(() => cache.objects.set('a', pod('a', { deleting: true })));
  await clock.advanceAsync(0);
  expect([b.settled('rs'), woken]).toEqual([true, ['rs']]);
});

test('after a creation of which nothing is known, the cache is made to catch up', async () => {
  const { clock, cache, barrier: b, wake, woken } = barrier();
  b.unknown('rs', pods);
  wake('rs');
  await clock.advanceAsync(unknownSettleMs - 1);
  expect([b.settled('rs'), cache.refreshes, woken]).toEqual([false, 0, []]);
  await clock.advanceAsync(1);
  expect([b.settled('rs'), cache.refreshes, woken]).toEqual([true, 1, ['rs']]);
});

test('the barrier gives way in the end, and says so', async () => {
  const { clock, barrier: b, wake, woken } = barrier();
  b.wrote('rs', pods, versioned('a', '12'));
  wake('rs');
  await clock.advanceAsync(barrierTimeoutMs);
  expect([b.settled('rs'), woken]).toEqual([true, ['rs']]);
});

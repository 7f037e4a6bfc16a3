// What is found reaches the status, also where the store fails in between and where an APIService is made anew.
import type { APIService } from '@drydock/api/generated/types.ts';
import { silentLog } from '@drydock/foundation/log.ts';
import { expect, test } from 'vitest';
import type { ObjectStore } from '../storage/object-store.ts';
import { Availability } from './availability.ts';
import type { Backends } from './backends.ts';

const made = (uid: string): APIService => ({
  metadata: { name: 'v1.a.test', uid },
  spec: {
    group: 'a.test',
    version: 'v1',
    groupPriorityMinimum: 1,
    versionPriority: 1,
    service: { namespace: 'default', name: 'absent' },
  },
});

function world() {
  let stored = made('1');
  let failing = false;
  let writes = 0;
  const backends = {
    remote: () => [stored],
    follow: async () => {},
    serviceOf: () => undefined,
    slicesOf: () => [],
  } as unknown as Backends;
  const objects = {
    update: async (_key: string, _hint: undefined, change: (current: object) => { put?: APIService }) => {
      if (failing) throw new Error('the store is away');
      const { put } = change({ object: stored });
      if (put === undefined) return;
      writes++;
      stored = put;
    },
  } as unknown as ObjectStore;
  const clock = { monotonicMs: () => 0, wallMs: () => 0 } as never;
  return {
    availability: new Availability({ backends, objects, clock, log: silentLog }),
    fail: (is: boolean) => {
      failing = is;
    },
    replace: (next: APIService) => {
      stored = next;
    },
    reason: () => stored.status?.conditions?.[0]?.reason,
    writes: () => writes,
  };
}

test('a finding that could not be written is written in the next round', async () => {
  const { availability, fail, reason, writes } = world();
  fail(true);
  await expect(availability.round()).rejects.toThrow('the store is away');
  fail(false);
  await availability.round();
  expect(reason()).toBe('ServiceNotFound');
  await availability.round();
  expect(writes()).toBe(1);
});

test('an APIService that was made anew is checked at once', async () => {
  const { availability, replace, reason } = world();
  await availability.round();
  replace(made('2'));
  expect(reason()).toBeUndefined();
  await availability.round();
  expect(reason()).toBe('ServiceNotFound');
});

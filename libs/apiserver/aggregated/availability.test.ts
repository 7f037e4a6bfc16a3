// What is found reaches the status, also where the store fails in between and where an APIService is made anew.
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import type { APIService, Service } from '@drydock/api/generated/types.ts';
import { silentLog } from '@drydock/foundation/log.ts';
import { expect, test, vi } from 'vitest';
import { availabilityAttempts, availabilityChecksMax } from '../limits.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import { Availability } from './availability.ts';
import type { Backends } from './backends.ts';

const made = (uid: string, group = 'a.test'): APIService => ({
  metadata: { name: `v1.${group}`, uid },
  spec: {
    group,
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

test('a server that hangs holds up no check of another, and has one of its own at a time', async () => {
  const sockets: Socket[] = [];
  const hanging = createServer((socket) => void sockets.push(socket.on('error', () => {})));
  hanging.listen(0, '127.0.0.1');
  await once(hanging, 'listening');
  const { port } = hanging.address() as AddressInfo;
  const service: Service = { metadata: { resourceVersion: '1' }, spec: { type: 'LoadBalancer' } };
  const all = [made('1', 'slow.test')];
  const found: string[] = [];
  const backends = {
    remote: () => all,
    follow: async () => {},
    serviceOf: ({ spec }: APIService) => (spec?.group === 'slow.test' ? service : undefined),
    slicesOf: () => [],
    placeOf: () => ({ host: '127.0.0.1', port }),
    tlsOf: () => ({ servername: 'slow', rejectUnauthorized: false }),
  } as unknown as Backends;
  const objects = { update: async (key: string) => void found.push(key.slice(key.lastIndexOf('/') + 1)) };
  const clock = { monotonicMs: () => 0, wallMs: () => 0, timer: () => ({ cancel: () => {} }) } as never;
  const availability = new Availability({ backends, objects: objects as unknown as ObjectStore, clock, log: silentLog });
  const first = availability.round();
  await vi.waitFor(() => expect(sockets).toHaveLength(availabilityAttempts));
  all.push(...Array.from({ length: availabilityChecksMax }, (_, i) => made('1', `a${i}.test`)));
  await availability.round();
  expect(found).toEqual(['v1.a0.test', 'v1.a1.test', 'v1.a2.test', 'v1.a3.test']);
  await availability.round();
  expect(found.slice(4)).toEqual(['v1.a4.test']);
  for (const socket of sockets) socket.destroy();
  await first;
  expect(found.slice(5)).toEqual(['v1.slow.test']);
  expect(sockets).toHaveLength(availabilityAttempts);
  hanging.close();
});

import { silentLog } from '@drydock/foundation/log.ts';
import { SeededRandom } from '@drydock/foundation/random.ts';
import { VirtualClock } from '@drydock/foundation/virtual-clock.ts';
import { expect, test } from 'vitest';
import { Caches } from '../registry/caches.ts';
import { ObjectStore } from '../storage/object-store.ts';
import { MemoryStore } from '../testing/memory-store.ts';
import { IpAllocator } from './ip-allocator.ts';
import { IpRange } from './ip-range.ts';
import { PortAllocator } from './port-allocator.ts';

test.each([
  ['10.96.0.0/16', '10.96.0.1', 65534n, 256n],
  ['10.0.0.0/28', '10.0.0.1', 14n, 1n],
  ['10.0.0.0/24', '10.0.0.1', 254n, 16n],
  ['fd00::/112', 'fd00::1', 65535n, 256n],
])('%s', (cidr, first, size, dynamic) => {
  const range = new IpRange(cidr);
  expect([range.at(1n), range.size, range.dynamicOffset]).toEqual([first, size, dynamic]);
  expect(range.contains(range.at(range.size))).toBe(true);
  expect(range.contains(range.at(range.size + 1n))).toBe(false);
  expect(range.contains(range.at(0n))).toBe(false);
});

/** Two servers on one store. */
function twoServers() {
  const store = new MemoryStore();
  return ['a', 'b'].map((name) => {
    const clock = new VirtualClock();
    const objects = new ObjectStore(store, clock);
    const random = new SeededRandom(name).stream('test');
    const ips = new IpAllocator(new IpRange('10.0.0.0/28'), objects, new Caches(store, clock, silentLog), clock, random);
    return { ips, ports: new PortAllocator({ first: 30_000, last: 30_009 }, objects, random) };
  });
}

test('two servers hand out every address of a range once, then none', async () => {
  const servers = twoServers();
  const addresses: (string | undefined)[] = [];
  for (let i = 0; i < 7; i++) {
    addresses.push(...(await Promise.all(servers.map(({ ips }) => ips.allocateNext({ namespace: 'default', name: `s${i}` })))));
  }
  expect(new Set(addresses).size).toBe(14);
  expect(addresses).not.toContain(undefined);
  expect(await servers[0]?.ips.allocateNext({ namespace: 'default', name: 'x' })).toBeUndefined();
});

test('an address is given back by its owner only', async () => {
  const [server] = twoServers();
  const owner = { namespace: 'default', name: 'a' };
  expect(await server?.ips.allocate('10.0.0.5', owner)).toBe(true);
  await server?.ips.release('10.0.0.5', { namespace: 'default', name: 'b' });
  expect(await server?.ips.allocate('10.0.0.5', owner)).toBe(false);
  await server?.ips.release('10.0.0.5', owner);
  expect(await server?.ips.allocate('10.0.0.5', owner)).toBe(true);
});

test('two servers hand out every node port once', async () => {
  const servers = twoServers();
  const ports = await Promise.all(Array.from({ length: 10 }, (_, i) => servers[i % 2]?.ports.allocateNext()));
  expect([...ports].sort()).toEqual(Array.from({ length: 10 }, (_, i) => 30000 + i));
  expect(await servers[0]?.ports.allocateNext()).toBeUndefined();
  await servers[1]?.ports.release([30003]);
  expect(await servers[0]?.ports.allocateNext()).toBe(30003);
  expect(await servers[0]?.ports.allocate(30003)).toBe(false);
  expect(await servers[0]?.ports.allocate(80)).toBeUndefined();
});

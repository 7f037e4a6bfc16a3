// What an APIService gives away: not known before they are.

import { apiServices } from '@drydock/api/resource.ts';
import { silentLog } from '@drydock/foundation/log.ts';
import { VirtualClock } from '@drydock/foundation/virtual-clock.ts';
import { expect, test } from 'vitest';
import { Caches } from '../registry/caches.ts';
import { MemoryStore } from '../testing/memory-store.ts';
import { Aggregator } from './aggregator.ts';
import { Backends } from './backends.ts';

test('before the APIServices are known no group is said not to exist; what is built in is served', async () => {
  const caches = new Caches(new MemoryStore(), new VirtualClock(), silentLog);
  const backends = new Backends({ caches, clientPair: undefined, toEndpoints: true, pick: () => 0 });
  const names = { usernameHeaders: [], uidHeaders: [], groupHeaders: [], extraPrefixes: [] };
  const aggregator = new Aggregator(backends, names);
  const target = { group: 'fake.test', version: 'v1', resource: 'foos', namespace: '', name: '', subresource: '' };
  const info = { isResource: true, verb: 'list', path: '/apis/fake.test/v1/foos', rest: '', target };
  const early = /^the request has been made before all known HTTP paths have been installed/;
  expect(() => aggregator.find(info)).toThrow(early);
  expect(aggregator.mayFind(info)).toBe(true);
  expect(() => backends.mustBeKnown()).toThrow(early);
  expect(backends.find('apps', 'v1')).toBeUndefined();
  await caches.of(apiServices).start();
  expect([aggregator.find(info), aggregator.mayFind(info)]).toEqual([undefined, false]);
  caches.stop();
});

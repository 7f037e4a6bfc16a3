// Quotas on a world with a server: what goes is given back, what comes is admission's to count.
import type { ConfigMap, Pod, ResourceQuota } from '@drydock/api/generated/types.ts';
import { configMaps, pods, resourceQuotas } from '@drydock/api/resource.ts';
import { expect, test } from 'vitest';
import { World } from '../testing/world.ts';
import { startResourceQuotaController } from './controller.ts';

const verbs = new Set(['create', 'delete', 'get', 'list', 'watch']);
const key = { namespace: 'a', name: 'q' };

test('a quota is counted once, when something goes, and every five minutes; not when something comes', async () => {
  const world = new World();
  const used = () => world.list<ResourceQuota>(resourceQuotas)[0]?.status?.used;
  const map = (name: string) => world.user.create<ConfigMap>(configMaps, { metadata: { namespace: 'a', name } });
  await map('one');
  await world.user.create<ResourceQuota>(resourceQuotas, { metadata: key, spec: { hard: { configmaps: '9' } } });
  void startResourceQuotaController([{ resource: configMaps, verbs }], world.manager().context);
  await world.clock.advanceAsync(1_000);
  expect(used()).toEqual({ configmaps: '1' });

  // Admission has counted two more, of which one is on its way.
  const status = { hard: { configmaps: '9' }, used: { configmaps: '3' } };
  await world.user.patch(resourceQuotas, key, { type: 'merge', body: { status } }, { subresource: 'status' });
  await map('two');
  await world.clock.advanceAsync(10_000);
  expect(used()).toEqual({ configmaps: '3' });

  await world.user.delete(configMaps, { namespace: 'a', name: 'one' });
  await world.clock.advanceAsync(1_000);
  expect(used()).toEqual({ configmaps: '1' });

  await map('three');
  await world.clock.advanceAsync(301_000);
  expect(used()).toEqual({ configmaps: '2' });
});

test('a pod that gets an end leaves the quota of those that have none', async () => {
  const world = new World();
  const used = () => world.list<ResourceQuota>(resourceQuotas)[0]?.status?.used;
  const pod = { namespace: 'a', name: 'p' };
  await world.user.create<Pod>(pods, { metadata: pod, spec: { containers: [{ name: 'c', image: 'i' }] } });
  const spec = { hard: { pods: '9' }, scopes: ['NotTerminating'] };
  await world.user.create<ResourceQuota>(resourceQuotas, { metadata: key, spec });
  void startResourceQuotaController([{ resource: pods, verbs }], world.manager().context);
  await world.clock.advanceAsync(1_000);
  expect(used()).toEqual({ pods: '1' });
  await world.user.patch(pods, pod, { type: 'merge', body: { spec: { activeDeadlineSeconds: 60 } } });
  await world.clock.advanceAsync(1_000);
  expect(used()).toEqual({ pods: '0' });
});

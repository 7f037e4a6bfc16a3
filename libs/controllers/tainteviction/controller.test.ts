// Evictions by taint, on a world with a server and clocks that disagree.
import type { Node, Pod } from '@drydock/api/generated/types.ts';
import { nodes, pods } from '@drydock/api/resource.ts';
import { formatTime } from '@drydock/foundation/clock.ts';
import { expect, test } from 'vitest';
import { World } from '../testing/world.ts';
import { startTaintEvictionController } from './controller.ts';

test('a controller that takes over on a machine whose clock is ahead evicts nothing before its own time', async () => {
  const world = new World();
  const taintedMs = world.clock.wallMs() - 600_000;
  const taint = { key: 'maintenance', effect: 'NoExecute', timeAdded: formatTime(taintedMs) };
  const node: Node = { metadata: { name: 'n' }, spec: { taints: [taint] } };
  const pod: Pod = {
    metadata: { namespace: 'a', name: 'p' },
    spec: {
      nodeName: 'n',
      containers: [{ name: 'c', image: 'i' }],
      tolerations: [{ key: 'maintenance', operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 300 }],
    },
  };
  await world.user.create(nodes, node);
  await world.user.create(pods, pod);
  await startTaintEvictionController(world.manager().context);
  const isLeft = () => world.list<Pod>(pods).some(({ metadata }) => metadata?.deletionTimestamp === undefined);
  await world.clock.advanceAsync(299_000);
  expect(isLeft()).toBe(true);
  await world.clock.advanceAsync(2_000);
  expect(isLeft()).toBe(false);
});

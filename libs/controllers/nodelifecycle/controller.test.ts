// Failure detection on a world with a slow server.
import type { Lease, Node } from '@drydock/api/generated/types.ts';
import { leases, nodes } from '@drydock/api/resource.ts';
import { formatMicroTime } from '@drydock/foundation/clock.ts';
import { expect, test } from 'vitest';
import { World } from '../testing/world.ts';
import { startNodeLifecycleController } from './controller.ts';

const options = {
  periodMs: 5_000,
  gracePeriodMs: 50_000,
  startupGracePeriodMs: 60_000,
  primary: 1,
  secondary: 0.1,
  unhealthyZoneThreshold: 0.55,
  largeClusterNodes: 50,
};

test('nodes that fall silent are found though every write takes longer than three looks', async () => {
  const world = new World();
  const names = Array.from({ length: 6 }, (_, i) => `n${i}`);
  const node = (name: string): Node => ({ metadata: { name }, status: { conditions: [{ type: 'Ready', status: 'True' }] } });
  for (const name of names) {
    await world.user.create(nodes, node(name));
    await world.user.create<Lease>(leases, {
      metadata: { namespace: 'kube-node-lease', name },
      spec: { holderIdentity: name },
    });
  }
  const renew = async (name: string): Promise<void> => {
    const key = { namespace: 'kube-node-lease', name };
    const spec = { holderIdentity: name, renewTime: formatMicroTime(world.clock.wallMs()) };
    await world.user.patch(leases, key, { type: 'merge', body: { spec } });
  };
  const manager = world.manager();
  manager.network.fate = () => ({ answerMs: 20_000 });
  void startNodeLifecycleController(options, manager.context);
  // One node after the other falls silent, so that there is always something to write.
  const unknown = () =>
    world
      .list<Node>(nodes)
      .filter((each) => each.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'Unknown'));
  for (let seconds = 0; seconds < 400; seconds += 10) {
    const silent = Math.min(3, Math.floor(seconds / 60));
    for (const name of names.slice(silent)) await renew(name);
    await world.clock.advanceAsync(10_000);
  }
  expect(unknown().map(({ metadata }) => metadata?.name)).toEqual(['n0', 'n1', 'n2']);
});

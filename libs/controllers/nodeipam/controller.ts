// Drives plan.ts: all nodes are looked at together, so that no block is given twice.
import { nodes as nodeResource } from '@drydock/api/resource.ts';
import { Driver } from '../common/driver.ts';
import type { ControllerContext } from '../common/ports.ts';
import { type ClusterNetwork, planNodeCidrs } from './plan.ts';

const wholeCluster = 'nodes';

/** Starts the controller; it runs until the context's signal aborts. */
export async function startNodeIpamController(network: ClusterNetwork, context: ControllerContext): Promise<void> {
  const nodes = context.caches.of(nodeResource);
  let assigned: ReadonlyMap<string, readonly string[]> = new Map();
  const driver = new Driver(context, {
    name: 'node-ipam-controller',
    concurrency: 1,
    caches: [nodes],
    sync: async (_, round) => {
      const plan = planNodeCidrs([...nodes.list()], network, assigned);
      assigned = plan.assigned;
      for (const actions of plan.actions.values()) await round.execute(actions);
      return undefined;
    },
  });
  nodes.subscribe(({ before, after }) => {
    if (before === undefined || after === undefined || (after.spec?.podCIDR ?? '') === '') driver.enqueue(wholeCluster);
  });
  await driver.start();
}

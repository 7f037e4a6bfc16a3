// Drives lifecycle-plan.ts: looks at all nodes every --node-monitor-period.
import type { Node } from '@drydock/api/generated/types.ts';
import { nodes as nodeResource } from '@drydock/api/resource.ts';
import { type Action, eventAbout } from '../common/action.ts';
import { Driver, type Round } from '../common/driver.ts';
import { nameOf } from '../common/object-meta.ts';
import type { ControllerContext } from '../common/ports.ts';
import type { Cloud, Machine } from './inventory.ts';
import { isInDoubt, planLifecycle } from './lifecycle-plan.ts';

const all = 'nodes';

/** Starts the controller; it runs until the context's signal aborts. */
export async function startCloudNodeLifecycleController(
  { cloud, periodMs }: { readonly cloud: Cloud; readonly periodMs: number },
  context: ControllerContext,
): Promise<void> {
  const { log } = context;
  const nodes = context.caches.of(nodeResource);

  /** Where they cannot be told nothing is concluded from that. */
  const machinesNow = async (): Promise<readonly Machine[] | undefined> => {
    try {
      return await cloud.machines();
    } catch (err) {
      log.warn({ err }, 'the cloud does not tell its machines; nodes that are not ready are left as they are');
      return undefined;
    }
  };

  const act = async (node: Node, actions: readonly Action[], round: Round): Promise<void> => {
    try {
      await round.execute(actions);
    } catch (err) {
      log.warn({ err, node: nameOf(node) }, 'node could not be changed; trying again at the next look');
      if (actions.some(({ verb }) => verb === 'delete'))
        round.record(eventAbout(nodeResource, node, 'Warning', 'DeletingNodeFailed', failed(node, err as Error)));
    }
  };

  const driver = new Driver(context, {
    name: 'cloud-node-lifecycle-controller',
    concurrency: 1,
    caches: [nodes],
    async sync(_, round) {
      // Before the machines: a node that comes meanwhile may be of one that they do not tell yet.
      const known = [...nodes.list()];
      const doubtful = known.some((node) => isInDoubt(node, round.wallMs()));
      const machines = doubtful ? await machinesNow() : undefined;
      for (const node of known) await act(node, planLifecycle(node, machines, round.wallMs()), round);
      return periodMs;
    },
  });
  driver.enqueue(all);
  await driver.start();
}

function failed(node: Node, error: Error): string {
  return `Failed deleting node ${nameOf(node)}: ${error.message}`;
}

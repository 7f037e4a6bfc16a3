// Drives plan.ts: nodes that come are told what their machine is; addresses are looked at again every --node-status-update-frequency.
import { nodes as nodeResource } from '@drydock/api/resource.ts';
import { Driver } from '../common/driver.ts';
import { keyOf } from '../common/object-meta.ts';
import type { ControllerContext } from '../common/ports.ts';
import { type Cloud, InventoryError, machineOf } from './inventory.ts';
import { isUninitialized, planInitialized, planLabels, planUpToDate } from './plan.ts';

export interface CloudNodeOptions {
  readonly cloud: Cloud;
  /** --concurrent-node-syncs */
  readonly concurrency: number;
  /** --node-status-update-frequency, in milliseconds. */
  readonly periodMs: number;
}

/** Starts the controller; it runs until the context's signal aborts. */
export async function startCloudNodeController(options: CloudNodeOptions, context: ControllerContext): Promise<void> {
  const { cloud, concurrency, periodMs } = options;
  const { clock } = context;
  const nodes = context.caches.of(nodeResource);
  /** By name: when the addresses are due again. */
  const dueMs = new Map<string, number>();

  const driver = new Driver(context, {
    name: 'cloud-node-controller',
    concurrency,
    caches: [nodes],
    async sync(name, round) {
      const node = nodes.get({ name });
      if (node === undefined) {
        dueMs.delete(name);
        return undefined;
      }
      const left = (dueMs.get(name) ?? 0) - clock.monotonicMs();
      if (isUninitialized(node)) {
        const machine = machineOf(node, await cloud.machines());
        if (machine === undefined)
          throw new InventoryError(`failed to get instance metadata for node ${name}: instance not found`);
        await round.execute(planInitialized(node, machine));
      } else {
        await round.execute(planLabels(node));
        if (dueMs.has(name) && left > 0) return left;
        const machine = machineOf(node, await cloud.machines());
        if (machine !== undefined) await round.execute(planUpToDate(node, machine));
      }
      dueMs.set(name, clock.monotonicMs() + periodMs);
      return periodMs;
    },
  });
  nodes.subscribe(({ before, after }) => {
    const node = after ?? before;
    if (node !== undefined) driver.enqueue(keyOf(node));
  });
  await driver.start();
}

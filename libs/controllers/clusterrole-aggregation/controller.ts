// Drives plan.ts: a change of any role concerns every role that is a sum.
import { clusterRoles } from '@drydock/api/resource.ts';
import { Driver } from '../common/driver.ts';
import { semanticEqual } from '../common/equality.ts';
import { keyOf } from '../common/object-meta.ts';
import type { ControllerContext } from '../common/ports.ts';
import { planAggregation } from './plan.ts';

/** Starts the controller; it runs until the context's signal aborts. */
export async function startClusterRoleAggregation(context: ControllerContext): Promise<void> {
  const roles = context.caches.of(clusterRoles);
  const driver = new Driver(context, {
    name: 'clusterrole-aggregation-controller',
    concurrency: 5,
    caches: [roles],
    sync: async (key, round) => {
      const role = roles.get({ name: key });
      if (role !== undefined) await round.execute(planAggregation(role, [...roles.list()]).actions);
      return undefined;
    },
  });
  roles.subscribe(({ before, after }) => {
    if (before !== undefined && after !== undefined && semanticEqual(before.rules, after.rules)) {
      if (semanticEqual(before.metadata?.labels, after.metadata?.labels, 'labels')) return;
    }
    for (const role of roles.list()) if (role.aggregationRule !== undefined) driver.enqueue(keyOf(role));
  });
  await driver.start();
}

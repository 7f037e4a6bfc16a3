// Drives plan.ts: looks at all routes every --route-reconciliation-period, and when a node comes, goes or gets another range.
import type { Node } from '@drydock/api/generated/types.ts';
import { nodes as nodeResource } from '@drydock/api/resource.ts';
import type { EventAction } from '../common/action.ts';
import { Driver, type Round } from '../common/driver.ts';
import { semanticEqual } from '../common/equality.ts';
import { nameOf, uidOf } from '../common/object-meta.ts';
import type { ControllerContext } from '../common/ports.ts';
import type { RouteTable } from '../common/route-table.ts';
import type { Range } from '../nodeipam/cidr.ts';
import { planCondition, planRoutes, type RouteAction, routingOf } from './plan.ts';

export interface NodeRouteOptions {
  readonly table: RouteTable;
  /** --cluster-cidr */
  readonly clusterRanges: readonly Range[];
  /** --route-reconciliation-period, in milliseconds. */
  readonly periodMs: number;
}

const all = 'routes';

/** Starts the controller; it runs until the context's signal aborts. */
export async function startNodeRouteController(options: NodeRouteOptions, context: ControllerContext): Promise<void> {
  const { table, clusterRanges, periodMs } = options;
  const { clock, log, signal } = context;
  const nodes = context.caches.of(nodeResource);

  const act = async (action: RouteAction, routes: Map<string, string>, round: Round): Promise<void> => {
    signal.throwIfAborted();
    const { destination } = action;
    const sinceMs = clock.monotonicMs();
    try {
      if (action.kind === 'close') {
        await table.close(destination);
        routes.delete(destination);
      } else {
        await table.lead(destination, action.to);
        routes.set(destination, action.to);
      }
    } catch (err) {
      log.warn({ err, destination }, 'route could not be changed; trying again at the next look');
      if (action.kind === 'lead') round.record(failed(action, clock.monotonicMs() - sinceMs, err as Error));
    }
  };

  const driver = new Driver(context, {
    name: 'node-route-controller',
    concurrency: 1,
    caches: [nodes],
    async sync(_, round) {
      // Before the nodes: a route that is not there is made again, one that is may not be of a node that has just come.
      const routes = await table.routes();
      const known = [...nodes.list()];
      for (const action of planRoutes(known, routes, clusterRanges)) await act(action, routes, round);
      for (const node of known)
        await round.execute(planCondition(node, routes, round.wallMs())).catch((err) => {
          log.warn({ err, node: nameOf(node) }, 'node could not be told; trying again at the next look');
        });
      return periodMs;
    },
  });
  nodes.subscribe(({ before, after }) => {
    if (!semanticEqual(routingOf(before), routingOf(after))) driver.enqueue(all);
  });
  driver.enqueue(all);
  await driver.start();
}

/** By the name in the place of the uid, as upstream has it and `kubectl describe node` looks for it. */
function failed({ node, destination }: { node: Node; destination: string }, tookMs: number, error: Error): EventAction {
  const name = nameOf(node);
  const message = `Could not create route ${uidOf(node)} ${destination} for node ${name} after ${tookMs}ms: ${error.message}`;
  return { verb: 'event', about: { kind: 'Node', name, uid: name }, type: 'Warning', reason: 'FailedToCreateRoute', message };
}

// Drives plan.ts: looks at all nodes every --node-monitor-period, and at once when one of them changes.
import type { Lease, Node } from '@drydock/api/generated/types.ts';
import { leases as leaseResource, nodes as nodeResource, pods as podResource } from '@drydock/api/resource.ts';
import { eventAbout } from '../common/action.ts';
import { Driver, type Round } from '../common/driver.ts';
import { semanticEqual } from '../common/equality.ts';
import { byNode, indexByNode } from '../common/indexes.ts';
import { nameOf, uidOf } from '../common/object-meta.ts';
import { isPodReady } from '../common/pod.ts';
import type { Cache, ControllerContext } from '../common/ports.ts';
import { isNodeReady } from './health.ts';
import { emptyMemory, type NodeLifecycleOptions, type NodeMemory, planNodes, reobserve } from './plan.ts';

const leaseNamespace = 'kube-node-lease';
/** Nodes that are written at a time (upstream's UpdateWorkerSize). */
const updateWorkers = 8;
/** All nodes are judged together: rates and zones depend on every one of them. */
const wholeCluster = 'nodes';

export interface NodeControllerOptions extends NodeLifecycleOptions {
  /** --node-monitor-period */
  readonly periodMs: number;
}

/** Starts the controller; it runs until the context's signal aborts. */
export async function startNodeLifecycleController(options: NodeControllerOptions, context: ControllerContext): Promise<void> {
  const nodes = context.caches.of(nodeResource);
  const leases = context.caches.of(leaseResource);
  const pods = context.caches.of(podResource);
  indexByNode(pods);
  let memory: NodeMemory = emptyMemory;
  let lastLookMs: number | undefined;
  let due = true;
  const known = new Set<string>();

  const look = async (round: Round): Promise<number> => {
    const nowMs = context.clock.monotonicMs();
    // What was not watched is not known: after a pause of this process, or while a watch is down, silence means nothing.
    // Time spent on this controller's own writes is no pause: behind a slow API server nodes must still be found dead.
    const paused = lastLookMs !== undefined && nowMs - lastLookMs > 3 * options.periodMs;
    if (paused || !nodes.following || !leases.following) memory = reobserve(memory, nowMs);
    due = false;
    const observed = {
      nodes: [...nodes.list()],
      leases: nodeLeases(nodes, leases),
      podsOf: (name: string) => [...pods.lookup(byNode, name)],
    };
    const plan = planNodes(observed, memory, options, nowMs, context.clock.wallMs());
    memory = plan.memory;
    announce(observed.nodes, known, round);
    const left = [...plan.nodes];
    const update = async (): Promise<void> => {
      for (let next = left.shift(); next !== undefined; next = left.shift()) {
        const [name, actions] = next;
        try {
          await round.execute(actions);
        } catch (error) {
          context.log.warn({ err: error, node: name }, 'node could not be updated; trying again at the next look');
        }
      }
    };
    await Promise.all(Array.from({ length: updateWorkers }, update));
    lastLookMs = context.clock.monotonicMs();
    return Math.min(options.periodMs, plan.lookAgainMs ?? options.periodMs);
  };

  const driver = new Driver(context, {
    name: 'node-lifecycle-controller',
    concurrency: 1,
    // No barrier: writes here are idempotent, and every look judges all nodes.
    caches: [],
    waitFor: [nodes, leases, pods],
    sync: (_, round) => look(round),
  });
  const soon = () => {
    if (due) return;
    due = true;
    driver.enqueue(wholeCluster);
  };
  nodes.subscribe(({ before, after }) => {
    if (before === undefined || after === undefined || changesTaints(before, after)) soon();
  });
  pods.subscribe(({ after }) => {
    const name = after?.spec?.nodeName ?? '';
    if (after === undefined || name === '' || !isPodReady(after)) return;
    const node = nodes.get({ name });
    if (node !== undefined && !isNodeReady(node)) soon();
  });
  driver.enqueue(wholeCluster);
  await driver.start();
}

function nodeLeases(nodes: Cache<Node>, leases: Cache<Lease>): Map<string, Lease> {
  const result = new Map<string, Lease>();
  for (const node of nodes.list()) {
    const lease = leases.get({ namespace: leaseNamespace, name: nameOf(node) });
    if (lease !== undefined) result.set(nameOf(node), lease);
  }
  return result;
}

/** Heartbeats alone change nothing before the next regular look. */
function changesTaints(before: Node, after: Node): boolean {
  const status = (node: Node) => (node.status?.conditions ?? []).map((condition) => [condition.type, condition.status]);
  return !semanticEqual(before.spec, after.spec) || !semanticEqual(status(before), status(after));
}

/** Nodes that came and went since the last look. */
function announce(nodes: readonly Node[], known: Set<string>, round: Round): void {
  const present = new Set<string>();
  for (const node of nodes) {
    const id = `${nameOf(node)} ${uidOf(node)}`;
    present.add(id);
    if (known.has(id)) continue;
    known.add(id);
    const name = nameOf(node);
    round.record(
      eventAbout(nodeResource, node, 'Normal', 'RegisteredNode', `Node ${name} event: Registered Node ${name} in Controller`),
    );
  }
  for (const id of known) {
    if (present.has(id)) continue;
    known.delete(id);
    const [name = '', uid = ''] = id.split(' ');
    const message = `Node ${name} event: Removing Node ${name} from Controller`;
    round.record(eventAbout(nodeResource, { metadata: { name, uid } }, 'Normal', 'RemovingNode', message));
  }
}

// Drives plan.ts: pods by key, each with its own clock.
import type { Node, Pod } from '@drydock/api/generated/types.ts';
import { nodes as nodeResource, pods as podResource } from '@drydock/api/resource.ts';
import { Driver, type Round } from '../common/driver.ts';
import { semanticEqual } from '../common/equality.ts';
import { byNode, indexByNode } from '../common/indexes.ts';
import { keyOf, nameOf, splitKey, uidOf } from '../common/object-meta.ts';
import type { Cache, ControllerContext } from '../common/ports.ts';
import { isNodeReady } from '../nodelifecycle/health.ts';
import { isEvictingTaint } from '../nodelifecycle/taints.ts';
import { noExecuteTaints, planEviction, type Stay } from './plan.ts';

interface Remembered extends Stay {
  readonly uid: string;
}

/** Starts the controller; it runs until the context's signal aborts. */
export async function startTaintEvictionController(context: ControllerContext): Promise<void> {
  const nodes = context.caches.of(nodeResource);
  const pods = context.caches.of(podResource);
  indexByNode(pods);
  const stays = new Map<string, Remembered>();
  const driver = new Driver(context, {
    name: 'taint-eviction-controller',
    concurrency: 8,
    caches: [pods],
    waitFor: [nodes],
    sync: (key, round) => sync(context, nodes, pods, stays, key, round),
  });
  pods.subscribe(({ before, after }) => {
    const pod = after ?? before;
    if (pod === undefined) return;
    const relevant =
      before === undefined ||
      after === undefined ||
      before.spec?.nodeName !== after.spec?.nodeName ||
      !semanticEqual(before.spec?.tolerations, after.spec?.tolerations);
    if (relevant || stays.has(keyOf(pod))) driver.enqueue(keyOf(pod));
  });
  nodes.subscribe(({ before, after }) => {
    const node = after ?? before;
    if (node === undefined) return;
    const taints = (object: Node | undefined) => (object === undefined ? [] : effectiveTaints(object));
    if (semanticEqual(taints(before), taints(after))) return;
    for (const pod of pods.lookup(byNode, nameOf(node))) driver.enqueue(keyOf(pod));
  });
  await driver.start();
}

/** The taints that count: those of silence do not on a node that reports again, even before they are taken off. */
function effectiveTaints(node: Node) {
  return noExecuteTaints(node).filter((taint) => !isEvictingTaint(taint) || !isNodeReady(node));
}

async function sync(
  context: ControllerContext,
  nodes: Cache<Node>,
  pods: Cache<Pod>,
  stays: Map<string, Remembered>,
  key: string,
  round: Round,
): Promise<number | undefined> {
  const pod = pods.get(splitKey(key));
  const name = pod?.spec?.nodeName ?? '';
  if (pod === undefined || name === '') {
    stays.delete(key);
    return undefined;
  }
  const node = nodes.get({ name });
  const taints = node === undefined ? [] : effectiveTaints(node);
  const nowMs = context.clock.monotonicMs();
  const remembered = stays.get(key);
  // Counted from when it is seen here, on this machine's own clock, as upstream does: another machine's time may be ahead, and a
  // take-over must not evict at once what has minutes left.
  const stay: Stay = remembered?.uid === uidOf(pod) ? remembered : { sinceMs: nowMs };
  const seen = node === undefined ? undefined : { ...node, spec: { ...node.spec, taints } };
  const known = remembered?.uid === uidOf(pod) || taints.length > 0 ? stay : undefined;
  const plan = planEviction(pod, seen, known, nowMs, context.clock.wallMs());
  if (plan.stay === undefined) stays.delete(key);
  else stays.set(key, { ...plan.stay, uid: uidOf(pod) });
  await round.execute(plan.actions);
  return plan.requeueAfterMs;
}

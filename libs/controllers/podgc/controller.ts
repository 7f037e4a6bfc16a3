// Drives plan.ts: looks when a node goes, when a pod is deleted that nobody runs, and when finished pods pile up.
import type { Node, Pod } from '@drydock/api/generated/types.ts';
import { nodes as nodeResource, pods as podResource } from '@drydock/api/resource.ts';
import { hasReason } from '@drydock/api/status.ts';
import { Driver, type Round } from '../common/driver.ts';
import { outOfServiceTaint } from '../common/nodes.ts';
import { isBeingDeleted, nameOf } from '../common/object-meta.ts';
import { isPodTerminal } from '../common/pod.ts';
import type { Cache, ControllerContext } from '../common/ports.ts';
import { isNodeReady } from '../nodelifecycle/health.ts';
import { planPodGc } from './plan.ts';

const wholeCluster = 'pods';
/** A node that is missing is believed gone after this time: it may only be registering anew (upstream's quarantineTime). */
const quarantineMs = 40_000;

/** @param terminatedPodsMax --terminated-pod-gc-threshold. Starts the controller; it runs until the context's signal aborts. */
export async function startPodGarbageCollector(terminatedPodsMax: number, context: ControllerContext): Promise<void> {
  const pods = context.caches.of(podResource);
  const nodes = context.caches.of(nodeResource);
  /** Since when a node that pods name has been missing, in monotonic milliseconds. */
  const missing = new Map<string, number>();
  const driver = new Driver(context, {
    name: 'pod-garbage-collector-controller',
    concurrency: 1,
    caches: [pods],
    waitFor: [nodes],
    sync: (_, round) => sync(pods, nodes, missing, terminatedPodsMax, context, round),
  });
  pods.subscribe(({ before, after }) => {
    if (after === undefined) return;
    const node = after.spec?.nodeName ?? '';
    const lost = node === '' ? isBeingDeleted(after) : nodes.get({ name: node }) === undefined;
    const finished = isPodTerminal(after) && (before === undefined || !isPodTerminal(before));
    const leaving = isBeingDeleted(after) && (before === undefined || !isBeingDeleted(before));
    if (lost || leaving || (finished && terminatedPodsMax > 0)) driver.enqueue(wholeCluster);
  });
  nodes.subscribe(({ before, after }) => {
    const changed = (node: Node | undefined) => (node === undefined ? '' : `${isOutOfService(node)}`);
    if (after === undefined || changed(before) !== changed(after)) driver.enqueue(wholeCluster);
  });
  await driver.start();
}

function isOutOfService(node: Node): boolean {
  return !isNodeReady(node) && (node.spec?.taints ?? []).some((taint) => taint.key === outOfServiceTaint);
}

async function sync(
  pods: Cache<Pod>,
  nodes: Cache<Node>,
  missing: Map<string, number>,
  terminatedPodsMax: number,
  context: ControllerContext,
  round: Round,
): Promise<number | undefined> {
  const nowMs = context.clock.monotonicMs();
  const all = [...pods.list()];
  const named = new Set(all.map((pod) => pod.spec?.nodeName ?? '').filter((name) => name !== ''));
  for (const name of missing.keys()) if (!named.has(name) || nodes.get({ name }) !== undefined) missing.delete(name);
  for (const name of named) if (nodes.get({ name }) === undefined && !missing.has(name)) missing.set(name, nowMs);

  const absentNodes = new Set<string>();
  let nextMs: number | undefined;
  for (const [name, sinceMs] of missing) {
    const left = sinceMs + quarantineMs - nowMs;
    if (left > 0) nextMs = Math.min(nextMs ?? left, left);
    else if (await isAbsent(name, round)) absentNodes.add(name);
  }
  const outOfServiceNodes = new Set([...nodes.list()].filter(isOutOfService).map(nameOf));
  const observed = { pods: all, absentNodes, outOfServiceNodes, terminatedPodsMax };
  for (const actions of planPodGc(observed, round.wallMs())) await round.execute(actions);
  return nextMs;
}

async function isAbsent(name: string, round: Round): Promise<boolean> {
  try {
    await round.client.get(nodeResource, { name });
    return false;
  } catch (error) {
    if (hasReason(error, 'NotFound')) return true;
    throw error;
  }
}

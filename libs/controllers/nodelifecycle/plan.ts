// One look at all nodes: who is alive, what their conditions and taints should be, and whose pods are no longer to be trusted.
// Pure; follows upstream's pkg/controller/nodelifecycle.
import type { Lease, Node, NodeCondition, Pod } from '@drydock/api/generated/types.ts';
import { nodes as nodeResource, pods as podResource } from '@drydock/api/resource.ts';
import { formatTime } from '@drydock/foundation/clock.ts';
import { type Action, eventAbout } from '../common/action.ts';
import { nameOf, uidOf } from '../common/object-meta.ts';
import { isPodTerminal, podCondition } from '../common/pod.ts';
import { isNodeReady, type NodeHealth, observeHealth, readyCondition } from './health.ts';
import { correctTaints, lacksEvictingTaint } from './taints.ts';
import { type Bucket, type EvictionRates, evictionRate, refill, zoneOf, zoneState } from './zones.ts';

export interface NodeLifecycleOptions extends EvictionRates {
  /** --node-monitor-grace-period */
  readonly gracePeriodMs: number;
  /** --node-startup-grace-period: for nodes whose kubelet has not reported yet. */
  readonly startupGracePeriodMs: number;
}

/** What is remembered between two looks; losing it means observing everybody anew. */
export interface NodeMemory {
  readonly health: ReadonlyMap<string, NodeHealth>;
  readonly buckets: ReadonlyMap<string, Bucket>;
  /** Every zone was wholly unhealthy: more likely this controller is cut off than all nodes are gone. */
  readonly allDisrupted: boolean;
}

export const emptyMemory: NodeMemory = { health: new Map(), buckets: new Map(), allDisrupted: false };

export interface NodesObserved {
  readonly nodes: readonly Node[];
  /** Leases of kube-node-lease by name. */
  readonly leases: ReadonlyMap<string, Lease>;
  /** The pods assigned to a node. */
  readonly podsOf: (node: string) => readonly Pod[];
}

export interface NodesPlan {
  /** Actions by node, independent of each other. */
  readonly nodes: ReadonlyMap<string, readonly Action[]>;
  readonly memory: NodeMemory;
  /** When a node that may not be given up yet, for others were, may be; undefined where none waits. */
  readonly lookAgainMs: number | undefined;
}

/** @param nowMs monotonic, for durations. @param wallMs for timestamps in conditions, taints and pods. */
export function planNodes(
  observed: NodesObserved,
  memory: NodeMemory,
  options: NodeLifecycleOptions,
  nowMs: number,
  wallMs: number,
): NodesPlan {
  const health = new Map<string, NodeHealth>();
  const judged: { node: Node; before: Node }[] = [];
  for (const before of observed.nodes) {
    const id = uidOf(before);
    const state = observeHealth(before, observed.leases.get(nameOf(before)), memory.health.get(id), nowMs);
    health.set(id, state);
    const grace = state.reported ? options.gracePeriodMs : options.startupGracePeriodMs;
    const silent = nowMs - state.seenMs > grace;
    judged.push({ node: silent ? markUnknown(before, wallMs) : before, before });
  }

  const zones = Map.groupBy(judged, ({ node }) => zoneOf(node));
  const states = new Map<string, ReturnType<typeof zoneState>>();
  for (const [zone, members] of zones) {
    states.set(
      zone,
      zoneState(
        members.map(({ node }) => node),
        options.unhealthyZoneThreshold,
      ),
    );
  }
  const allDisrupted = states.size > 0 && [...states.values()].every((state) => state === 'FullDisruption');
  if (memory.allDisrupted && !allDisrupted) {
    // Back from a total disruption: everybody gets a full grace period again, and the rates start over.
    for (const [id, state] of health) health.set(id, { ...state, seenMs: nowMs });
  }

  const buckets = new Map<string, Bucket>();
  let lookAgainMs: number | undefined;
  const plans = new Map<string, readonly Action[]>();
  for (const [zone, members] of zones) {
    const rate = allDisrupted ? 0 : evictionRate(states.get(zone) ?? 'Normal', members.length, options);
    let bucket = refill(memory.allDisrupted ? undefined : memory.buckets.get(zone), rate, nowMs);
    for (const { node, before } of members) {
      const mayEvict = lacksEvictingTaint(node) && rate > 0 && bucket.tokens >= 1;
      if (mayEvict) bucket = { ...bucket, tokens: bucket.tokens - 1 };
      else if (lacksEvictingTaint(node) && rate > 0) {
        // The rate counts, not how often it is looked: this node is next when the zone's next token is there.
        const waitMs = Math.ceil(((1 - bucket.tokens) * 1000) / rate);
        lookAgainMs = Math.min(lookAgainMs ?? waitMs, waitMs);
      }
      const taints = correctTaints(node, mayEvict, !allDisrupted, wallMs);
      const actions = nodeActions(before, node, taints, observed.podsOf(nameOf(node)), wallMs);
      if (actions.length > 0) plans.set(nameOf(node), actions);
    }
    buckets.set(zone, bucket);
  }
  return { nodes: plans, memory: { health, buckets, allDisrupted }, lookAgainMs };
}

/** Conditions that the kubelet keeps and that nobody can vouch for once it is silent. */
const kubeletConditions = ['Ready', 'MemoryPressure', 'DiskPressure', 'PIDPressure'];

/** The node with its kubelet's conditions Unknown; the same object where they already are. */
function markUnknown(node: Node, wallMs: number): Node {
  const now = formatTime(wallMs);
  let changed = false;
  const conditions: NodeCondition[] = [...(node.status?.conditions ?? [])];
  for (const type of kubeletConditions) {
    const index = conditions.findIndex((condition) => condition.type === type);
    const current = conditions[index];
    if (current?.status === 'Unknown') continue;
    changed = true;
    if (current === undefined) {
      conditions.push({
        type,
        status: 'Unknown',
        reason: 'NodeStatusNeverUpdated',
        message: 'Kubelet never posted node status.',
        lastHeartbeatTime: node.metadata?.creationTimestamp,
        lastTransitionTime: now,
      });
    } else {
      conditions[index] = {
        ...current,
        status: 'Unknown',
        reason: 'NodeStatusUnknown',
        message: 'Kubelet stopped posting node status.',
        lastTransitionTime: now,
      };
    }
  }
  return changed ? { ...node, status: { ...node.status, conditions } } : node;
}

function nodeActions(
  before: Node,
  node: Node,
  taints: ReturnType<typeof correctTaints>,
  pods: readonly Pod[],
  wallMs: number,
): Action[] {
  const actions: Action[] = [];
  const key = { name: nameOf(node) };
  if (node !== before) {
    const body = { metadata: { uid: uidOf(node) }, status: { conditions: node.status?.conditions } };
    actions.push({ verb: 'patch', resource: nodeResource, key, patch: { type: 'strategic', body }, subresource: 'status' });
    if (isNodeReady(before)) {
      const message = `Node ${nameOf(node)} status is now: NodeNotReady`;
      actions.push(eventAbout(nodeResource, node, 'Normal', 'NodeNotReady', message));
    }
  }
  if (taints !== undefined) {
    // The list replaces the present one: only if nobody else has changed it since it was read. The status patch above
    // moves the version, so the condition is on the list itself.
    const body = [
      { op: 'test', path: '/metadata/uid', value: uidOf(node) },
      ...(before.spec?.taints === undefined ? [] : [{ op: 'test', path: '/spec/taints', value: before.spec.taints }]),
      taints.length === 0 ? { op: 'remove', path: '/spec/taints' } : { op: 'add', path: '/spec/taints', value: taints },
    ];
    actions.push({ verb: 'patch', resource: nodeResource, key, patch: { type: 'json', body } });
  }
  const ready = readyCondition(node);
  if (ready !== undefined && ready.status !== 'True') actions.push(...pods.flatMap((pod) => markPodNotReady(pod, wallMs)));
  return actions;
}

/** Nobody should be sent to a pod on a node that is not ready. */
function markPodNotReady(pod: Pod, wallMs: number): Action[] {
  const ready = podCondition(pod, 'Ready');
  if (ready === undefined || ready.status === 'False' || isPodTerminal(pod)) return [];
  const condition = { type: 'Ready', status: 'False', lastTransitionTime: formatTime(wallMs) };
  const key = { namespace: pod.metadata?.namespace, name: nameOf(pod) };
  const body = { metadata: { uid: uidOf(pod) }, status: { conditions: [condition] } };
  return [
    { verb: 'patch', resource: podResource, key, patch: { type: 'strategic', body }, subresource: 'status' },
    eventAbout(podResource, pod, 'Warning', 'NodeNotReady', 'Node is not ready'),
  ];
}

/** The memory of a controller that has not seen what happened lately: everybody gets a full grace period from now. */
export function reobserve(memory: NodeMemory, nowMs: number): NodeMemory {
  const health = new Map<string, NodeHealth>();
  for (const [id, state] of memory.health) health.set(id, { ...state, seenMs: nowMs });
  return { ...memory, health };
}

// What becomes of a node whose machine is gone or switched off. Pure; follows upstream's cloud-provider/controllers/nodelifecycle.
import type { Node } from '@drydock/api/generated/types.ts';
import { nodes } from '@drydock/api/resource.ts';
import { type Action, eventAbout } from '../common/action.ts';
import { creationMs, nameOf, uidOf } from '../common/object-meta.ts';
import { isNodeReady } from '../nodelifecycle/health.ts';
import { type Machine, machineOf } from './inventory.ts';
import { isUninitialized } from './plan.ts';

/** On a node whose machine is switched off. */
export const shutdownTaint = 'node.cloudprovider.kubernetes.io/shutdown';
/** A node that its cloud has not come to know yet may be ahead of the list of machines: so long it is waited for, in milliseconds. */
export const newNodeMs = 60_000;

/** Whether what the cloud says of the node's machine matters: one that works is there. */
export function isInDoubt(node: Node, nowMs: number): boolean {
  if (isNodeReady(node)) return false;
  const unknown = (node.spec?.providerID ?? '') === '' && isUninitialized(node);
  return !unknown || nowMs - creationMs(node) >= newNodeMs;
}

/** @param machines undefined: not known. */
export function planLifecycle(node: Node, machines: readonly Machine[] | undefined, nowMs: number): Action[] {
  const taints = node.spec?.taints ?? [];
  const others = taints.filter(({ key }) => key !== shutdownTaint);
  if (isNodeReady(node)) return others.length === taints.length ? [] : [taintsPatch(node, others)];
  if (machines === undefined || !isInDoubt(node, nowMs)) return [];
  const machine = machineOf(node, machines);
  if (machine === undefined) {
    const why = `Deleting node ${nameOf(node)} because it does not exist in the cloud provider`;
    const preconditions = { uid: uidOf(node) };
    return [
      eventAbout(nodes, node, 'Normal', 'DeletingNode', why),
      { verb: 'delete', resource: nodes, key: { name: nameOf(node) }, preconditions },
    ];
  }
  if (!machine.shutdown || others.length < taints.length) return [];
  return [taintsPatch(node, [...taints, { key: shutdownTaint, effect: 'NoSchedule' }])];
}

function taintsPatch(node: Node, taints: readonly object[]): Action {
  const { uid, resourceVersion } = node.metadata ?? {};
  const body = { metadata: { uid, resourceVersion }, spec: { taints } };
  return { verb: 'patch', resource: nodes, key: { name: nameOf(node) }, patch: { type: 'merge', body } };
}

// Which taints a node's conditions call for.
import type { Node, Taint } from '@drydock/api/generated/types.ts';
import { formatTime } from '@drydock/foundation/clock.ts';
import { readyCondition } from './health.ts';

export const notReadyTaint = 'node.kubernetes.io/not-ready';
export const unreachableTaint = 'node.kubernetes.io/unreachable';

/** Conditions other than Ready, and the key of the NoSchedule taint that goes with status True. */
const pressureTaints: Readonly<Record<string, string>> = {
  MemoryPressure: 'node.kubernetes.io/memory-pressure',
  DiskPressure: 'node.kubernetes.io/disk-pressure',
  NetworkUnavailable: 'node.kubernetes.io/network-unavailable',
  PIDPressure: 'node.kubernetes.io/pid-pressure',
};
const unschedulableTaint = 'node.kubernetes.io/unschedulable';
const noScheduleKeys = new Set([notReadyTaint, unreachableTaint, unschedulableTaint, ...Object.values(pressureTaints)]);

/** The taint that a node which is not ready deserves: it says so itself, or nothing is heard of it. */
export function unhealthyTaintKey(node: Node): string | undefined {
  const status = readyCondition(node)?.status;
  return status === 'False' ? notReadyTaint : status === 'Unknown' ? unreachableTaint : undefined;
}

/**
 * The node's taints as they should be, or undefined where they are. NoSchedule follows the conditions at once. NoExecute, which
 * evicts, is only put on a node where `mayEvict`; one that is there is exchanged or taken off whatever `mayEvict` says.
 */
export function correctTaints(node: Node, mayEvict: boolean, keepEvicting: boolean, nowMs: number): Taint[] | undefined {
  const present = node.spec?.taints ?? [];
  const unhealthy = unhealthyTaintKey(node);
  const wantedNoSchedule = new Set(unhealthy === undefined ? [] : [unhealthy]);
  for (const condition of node.status?.conditions ?? []) {
    const key = pressureTaints[condition.type];
    if (key !== undefined && condition.status === 'True') wantedNoSchedule.add(key);
  }
  if (node.spec?.unschedulable === true) wantedNoSchedule.add(unschedulableTaint);

  const evicting = present.some(isEvictingTaint);
  const wantedNoExecute = unhealthy !== undefined && (mayEvict || (evicting && keepEvicting)) ? unhealthy : undefined;
  const kept = present.filter((taint) => {
    if (isEvictingTaint(taint)) return taint.key === wantedNoExecute;
    return taint.effect !== 'NoSchedule' || !noScheduleKeys.has(taint.key) || wantedNoSchedule.has(taint.key);
  });
  const has = (key: string, effect: string) => kept.some((taint) => taint.key === key && taint.effect === effect);
  const timeAdded = formatTime(nowMs);
  const added: Taint[] = [...wantedNoSchedule]
    .filter((key) => !has(key, 'NoSchedule'))
    .map((key) => ({ key, effect: 'NoSchedule', timeAdded }));
  if (wantedNoExecute !== undefined && !has(wantedNoExecute, 'NoExecute')) {
    added.push({ key: wantedNoExecute, effect: 'NoExecute', timeAdded });
  }
  return added.length === 0 && kept.length === present.length ? undefined : [...kept, ...added];
}

/** One of the two NoExecute taints that this controller owns. */
export function isEvictingTaint(taint: Taint): boolean {
  return taint.effect === 'NoExecute' && (taint.key === notReadyTaint || taint.key === unreachableTaint);
}

/** Whether the NoExecute taint that fits the node's condition is missing. */
export function lacksEvictingTaint(node: Node): boolean {
  return unhealthyTaintKey(node) !== undefined && !(node.spec?.taints ?? []).some(isEvictingTaint);
}

// The status of a PodDisruptionBudget: how many of its pods may be evicted now. Pure; follows upstream's pkg/controller/disruption.
import type { Condition, Pod, PodDisruptionBudget, PodDisruptionBudgetStatus } from '@drydock/api/generated/types.ts';
import { podDisruptionBudgets, pods as podResource } from '@drydock/api/resource.ts';
import { formatTime, parseTime } from '@drydock/foundation/clock.ts';
import { type Action, eventAbout, type Plan } from '../common/action.ts';
import { semanticEqual } from '../common/equality.ts';
import { labelSelectorText } from '../common/go-text.ts';
import { scaledValue } from '../common/int-or-percent.ts';
import { isBeingDeleted, nameOf, namespaceOf, uidOf } from '../common/object-meta.ts';
import { isPodReady, isPodTerminal, podCondition } from '../common/pod.ts';
import { type Controllers, expectedOf } from './expected.ts';

/** An eviction that was allowed and not followed by a deletion for this long did not happen (DeletionTimeout). */
export const deletionTimeoutMs = 120_000;

const conditionType = 'DisruptionAllowed';

export interface BudgetObserved {
  readonly budget: PodDisruptionBudget;
  /** The pods that the budget selects. */
  readonly pods: readonly Pod[];
  readonly controllers: Controllers;
}

interface Wanted {
  readonly expectedPods: number;
  readonly desiredHealthy: number;
  readonly unmanaged: readonly Pod[];
}

export function planBudget({ budget, pods, controllers }: BudgetObserved, nowMs: number): Plan {
  const say = (type: 'Normal' | 'Warning', reason: string, message: string) =>
    eventAbout(podDisruptionBudgets, budget, type, reason, message);
  const actions: Action[] = [];
  if (pods.length === 0) actions.push(say('Normal', 'NoPods', 'No matching pods found'));
  const wanted = wantedOf(budget, pods, controllers);
  if ('problem' in wanted) {
    const text = `Failed to calculate the number of expected pods: ${wanted.problem}`;
    actions.push(say('Warning', 'CalculateExpectedPodCountFailed', text));
    return { actions: [...actions, ...planFailSafe(budget, wanted.problem, nowMs)] };
  }
  const { expectedPods, desiredHealthy, unmanaged } = wanted;
  if (unmanaged.length > 0) actions.push(say('Warning', 'UnmanagedPods', unmanagedText(budget)));
  const disrupted = disruptedOf(budget, pods, nowMs);
  const currentHealthy = pods.filter(
    (pod) => !isBeingDeleted(pod) && !disrupted.pods.has(nameOf(pod)) && isPodReady(pod),
  ).length;
  const spare = currentHealthy - desiredHealthy;
  const disruptionsAllowed = expectedPods <= 0 || spare <= 0 ? 0 : spare;
  const reason = disruptionsAllowed > 0 ? 'SufficientPods' : 'InsufficientPods';
  const status: PodDisruptionBudgetStatus = {
    currentHealthy,
    desiredHealthy,
    expectedPods,
    disruptionsAllowed,
    observedGeneration: budget.metadata?.generation,
    ...(disrupted.pods.size === 0 ? {} : { disruptedPods: Object.fromEntries(disrupted.pods) }),
    conditions: withCondition(budget, disruptionsAllowed > 0, reason, '', nowMs),
  };
  return {
    actions: [...actions, ...disrupted.events, ...write(budget, status)],
    requeueAfterMs: disrupted.recheckMs,
  };
}

function write(budget: PodDisruptionBudget, status: PodDisruptionBudgetStatus): Action[] {
  const old = budget.status;
  const before = old === undefined ? undefined : { disruptedPods: {}, ...old };
  if (semanticEqual({ disruptedPods: {}, ...status }, before)) return [];
  const object: PodDisruptionBudget = { ...budget, status };
  return [{ verb: 'update', resource: podDisruptionBudgets, object, subresource: 'status' }];
}

/** Nothing may be evicted while it is unknown how many pods there should be. */
function planFailSafe(budget: PodDisruptionBudget, problem: string, nowMs: number): Action[] {
  const status: PodDisruptionBudgetStatus = {
    currentHealthy: 0,
    desiredHealthy: 0,
    expectedPods: 0,
    ...budget.status,
    disruptionsAllowed: 0,
    conditions: withCondition(budget, false, 'SyncFailed', problem, nowMs),
  };
  return write(budget, status);
}

function withCondition(
  budget: PodDisruptionBudget,
  allowed: boolean,
  reason: string,
  message: string,
  nowMs: number,
): Condition[] {
  const conditions = budget.status?.conditions ?? [];
  const status = allowed ? 'True' : 'False';
  const before = conditions.find(({ type }) => type === conditionType);
  const lastTransitionTime = before?.status === status ? before.lastTransitionTime : formatTime(nowMs);
  // The fail-safe says nothing about the present generation.
  const known = reason === 'SyncFailed' ? {} : { observedGeneration: budget.metadata?.generation };
  const next = { type: conditionType, status, reason, message, lastTransitionTime, ...known };
  return before === undefined ? [...conditions, next] : conditions.map((one) => (one === before ? next : one));
}

function wantedOf(
  budget: PodDisruptionBudget,
  pods: readonly Pod[],
  controllers: Controllers,
): Wanted | { readonly problem: string } {
  const { maxUnavailable, minAvailable } = budget.spec ?? {};
  if (maxUnavailable === undefined && typeof minAvailable === 'number') {
    return { expectedPods: pods.length, desiredHealthy: minAvailable, unmanaged: [] };
  }
  if (maxUnavailable === undefined && minAvailable === undefined) return { expectedPods: 0, desiredHealthy: 0, unmanaged: [] };
  const expected = expectedOf(pods, controllers);
  if ('problem' in expected) return expected;
  const { count, unmanaged } = expected;
  const desiredHealthy =
    maxUnavailable === undefined
      ? scaledValue(minAvailable, count, 'up')
      : Math.max(0, count - scaledValue(maxUnavailable, count, 'up'));
  return { expectedPods: count, desiredHealthy, unmanaged };
}

function unmanagedText(budget: PodDisruptionBudget): string {
  return (
    `Pods selected by this PodDisruptionBudget (selector: ${labelSelectorText(budget.spec?.selector ?? {})}) were found to be unmanaged. As a result, the status ` +
    'of the PDB cannot be calculated correctly, which may result in undefined behavior. To account for these pods please set ' +
    '".spec.minAvailable" field of the PDB to an integer value.'
  );
}

interface Disrupted {
  /** Names of pods whose eviction was allowed, and when. */
  readonly pods: ReadonlyMap<string, string>;
  readonly events: readonly Action[];
  readonly recheckMs: number | undefined;
}

function disruptedOf(budget: PodDisruptionBudget, pods: readonly Pod[], nowMs: number): Disrupted {
  const kept = new Map<string, string>();
  const events: Action[] = [];
  let recheckMs: number | undefined;
  for (const pod of pods) {
    const since = budget.status?.disruptedPods?.[nameOf(pod)];
    if (since === undefined || isBeingDeleted(pod)) continue;
    const left = (parseTime(since) ?? 0) + deletionTimeoutMs - nowMs;
    if (left < 0) {
      const text = `Pod was expected by PDB ${namespaceOf(budget)}/${nameOf(budget)} to be deleted but it wasn't`;
      events.push(eventAbout(podResource, pod, 'Warning', 'NotDeleted', text));
      continue;
    }
    kept.set(nameOf(pod), since);
    // One millisecond later it is over, not at the very instant.
    recheckMs = Math.min(recheckMs ?? left + 1, left + 1);
  }
  return { pods: kept, events, recheckMs };
}

/** A pod that was to be disrupted, and lives on, is no target any more. */
export function planStaleTarget(pod: Pod, nowMs: number): Plan {
  const target = podCondition(pod, 'DisruptionTarget');
  if (target?.status !== 'True' || isBeingDeleted(pod) || isPodTerminal(pod)) return { actions: [] };
  const left = (parseTime(target.lastTransitionTime) ?? 0) + deletionTimeoutMs - nowMs;
  if (left > 0) return { actions: [], requeueAfterMs: left };
  const condition = {
    type: 'DisruptionTarget',
    status: 'False',
    lastTransitionTime: formatTime(nowMs),
    reason: null,
    message: null,
  };
  const key = { namespace: namespaceOf(pod), name: nameOf(pod) };
  const body = { metadata: { uid: uidOf(pod) }, status: { conditions: [condition] } };
  return {
    actions: [{ verb: 'patch', resource: podResource, key, patch: { type: 'strategic', body }, subresource: 'status' }],
  };
}

// One round of one autoscaler: what is asked of its target, and what its status says of it. Pure; follows upstream's
// pkg/controller/podautoscaler/horizontal.go. A round is planned in two halves, as the second one tells what came of the change.
import type {
  Pod,
  Scale,
  V2HorizontalPodAutoscaler,
  V2HorizontalPodAutoscalerStatus,
  V2MetricStatus,
} from '@drydock/api/generated/types.ts';
import { parseQuantity } from '@drydock/api/quantity.ts';
import { horizontalPodAutoscalers } from '@drydock/api/resource.ts';
import { formatTime } from '@drydock/foundation/clock.ts';
import { type Action, type EventAction, eventAbout } from '../common/action.ts';
import { semanticEqual } from '../common/equality.ts';
import { namespaceOf } from '../common/object-meta.ts';
import { type Said, withConditions } from './conditions.ts';
import { firstHistory, type History, settled, withChange } from './history.ts';
import type { Reading } from './metrics.ts';
import { normalize } from './normalize.ts';
import { type Proposal, propose } from './propose.ts';
import type { Basis, Tolerances } from './replicas.ts';
import type { AutoscalerSettings } from './settings.ts';

export interface Observed {
  readonly autoscaler: V2HorizontalPodAutoscaler;
  /** Of the target. */
  readonly scale: Scale;
  /** Where the metrics were asked for: what was read, or why they could not be. */
  readonly measured: Measured | undefined;
  /** Undefined where this is the first round. */
  readonly history: History | undefined;
}

export type Measured =
  | { readonly kind: 'read'; readonly pods: readonly Pod[]; readonly readings: readonly Reading[] }
  | { readonly kind: 'unselected'; readonly problem: SelectorProblem };

/** Why it cannot be said which pods are the target's: reason and text of the event, of the condition, of the error. */
export interface SelectorProblem {
  readonly eventReason: string;
  readonly event: string;
  readonly conditionReason: string;
  readonly condition: string;
}

export interface Now {
  readonly wallMs: number;
  readonly monotonicMs: number;
}

/** The first half of a round. */
export interface RoundPlan {
  readonly events: readonly EventAction[];
  /** What the target is to be scaled to; undefined where it stays as it is. */
  readonly rescale: { readonly to: number; readonly reason: string } | undefined;
  readonly current: number;
  /** What status.desiredReplicas is where the target stays; undefined where it is not touched. */
  readonly desired: number | undefined;
  readonly said: readonly Said[];
  readonly metrics: readonly V2MetricStatus[];
  readonly history: History;
  /** Said after the status was written. */
  readonly lastEvents: readonly EventAction[];
}

/** What came of the change of the target. */
export type Outcome =
  | { readonly kind: 'done' }
  /** `unknown`: it may have happened all the same. */
  | { readonly kind: 'failed'; readonly why: string; readonly unknown: boolean };

/** What the target says it should have. */
export function replicasOf(scale: Scale): number {
  return scale.spec?.replicas ?? 0;
}

function minOf({ spec }: V2HorizontalPodAutoscaler): number {
  return spec?.minReplicas ?? 1;
}

function maxOf({ spec }: V2HorizontalPodAutoscaler): number {
  return spec?.maxReplicas ?? 0;
}

function wasScaledToZero({ status }: V2HorizontalPodAutoscaler, { scaleToZero }: AutoscalerSettings): boolean {
  return scaleToZero && status?.conditions?.find(({ type }) => type === 'ScaledToZero')?.status === 'True';
}

/** Whether there is a metric that can be read of a target without pods. */
function hasOutsideMetric({ spec }: V2HorizontalPodAutoscaler): boolean {
  return (spec?.metrics ?? []).some(({ type }) => type === 'Object' || type === 'External');
}

/** Whether the metrics decide; where they do not, nobody needs to read them. */
export function asksMetrics(autoscaler: V2HorizontalPodAutoscaler, scale: Scale, settings: AutoscalerSettings): boolean {
  const current = replicasOf(scale);
  if (current > 0) return current <= maxOf(autoscaler) && current >= minOf(autoscaler);
  return wasScaledToZero(autoscaler, settings) && (minOf(autoscaler) !== 0 || hasOutsideMetric(autoscaler));
}

const gotScale: Said = {
  type: 'AbleToScale',
  isTrue: true,
  reason: 'SucceededGetScale',
  message: "the HPA controller was able to get the target's current scale",
};

/** The first half: what to ask of the target. */
export function planRound(observed: Observed, settings: AutoscalerSettings, now: Now): RoundPlan {
  const { autoscaler, scale, measured } = observed;
  const current = replicasOf(scale);
  const history = observed.history === undefined ? firstHistory(current, now.monotonicMs) : settled(observed.history, current);
  const base = { events: [], current, metrics: [], history, lastEvents: [] };
  if (measured !== undefined) return planMeasured(autoscaler, scale, measured, history, settings, now);
  if (current === 0) {
    const message = 'scaling is disabled since the replica count of the target is zero';
    const disabled: Said = { type: 'ScalingActive', isTrue: false, reason: 'ScalingDisabled', message };
    return { ...base, rescale: undefined, desired: current, said: [gotScale, disabled] };
  }
  const above = current > maxOf(autoscaler);
  const to = above ? maxOf(autoscaler) : minOf(autoscaler);
  const reason = `Current number of replicas ${above ? 'above Spec.MaxReplicas' : 'below Spec.MinReplicas'}`;
  return { ...base, rescale: { to, reason }, desired: undefined, said: [gotScale] };
}

function planMeasured(
  autoscaler: V2HorizontalPodAutoscaler,
  scale: Scale,
  measured: Measured,
  history: History,
  settings: AutoscalerSettings,
  now: Now,
): RoundPlan {
  const current = replicasOf(scale);
  const say = sayAbout(autoscaler);
  const found =
    measured.kind === 'unselected' ? unselected(measured.problem, say) : weigh(autoscaler, scale, measured, settings, now);
  if (found.kind === 'failed') {
    const { events, said, metrics, why } = found;
    const last = say('Warning', 'FailedComputeMetricsReplicas', why);
    return {
      events,
      rescale: undefined,
      current,
      desired: undefined,
      said: [gotScale, said],
      metrics,
      history,
      lastEvents: [last],
    };
  }
  const { spec } = autoscaler;
  const min = minOf(autoscaler);
  const bounds = normalize({
    spec: spec ?? { maxReplicas: 0, scaleTargetRef: { kind: '', name: '' } },
    current,
    desired: found.replicas,
    min,
    history,
    settings,
    nowMs: now.monotonicMs,
  });
  const waking = current === 0 && min !== 0;
  const to = waking ? Math.max(min, bounds.replicas) : bounds.replicas;
  const reason =
    found.replicas > current ? `${found.name} above target` : found.replicas < current ? 'All metrics below target' : '';
  const { reason: limit, message, limited } = bounds.limit;
  return {
    events: found.events,
    rescale: to === current ? undefined : { to, reason },
    current,
    desired: to === current ? current : undefined,
    said: [
      gotScale,
      found.said,
      { type: 'AbleToScale', isTrue: true, ...bounds.able },
      { type: 'ScalingLimited', isTrue: limited, reason: limit, message },
    ],
    metrics: found.metrics,
    history: bounds.history,
    lastEvents: [],
  };
}

type Say = (type: 'Normal' | 'Warning', reason: string, message: string) => EventAction;

function sayAbout(autoscaler: V2HorizontalPodAutoscaler): Say {
  return (type, reason, message) => eventAbout(horizontalPodAutoscalers, autoscaler, type, reason, message);
}

interface Weighed {
  readonly events: readonly EventAction[];
  readonly said: Said;
  readonly metrics: readonly V2MetricStatus[];
}

type Weighing =
  | (Weighed & { readonly kind: 'replicas'; readonly replicas: number; readonly name: string })
  | (Weighed & { readonly kind: 'failed'; readonly why: string });

function unselected({ eventReason, event, conditionReason, condition }: SelectorProblem, say: Say): Weighing {
  return {
    kind: 'failed',
    why: event,
    events: [say('Warning', eventReason, event)],
    said: { type: 'ScalingActive', isTrue: false, reason: conditionReason, message: condition },
    metrics: [],
  };
}

/** The largest number that a metric proposes; with some failing, only if that is not fewer than there are. */
function weigh(
  autoscaler: V2HorizontalPodAutoscaler,
  scale: Scale,
  { pods, readings }: Extract<Measured, { kind: 'read' }>,
  settings: AutoscalerSettings,
  now: Now,
): Weighing {
  const basis: Basis = {
    specReplicas: replicasOf(scale),
    statusReplicas: scale.status?.replicas ?? 0,
    pods,
    tolerances: tolerancesOf(autoscaler, settings),
    settings,
    nowMs: now.wallMs,
  };
  const specs = autoscaler.spec?.metrics ?? [];
  const proposals = specs.map((spec, index) =>
    propose(spec, readings[index] ?? { kind: 'failed', why: 'nothing was read' }, namespaceOf(autoscaler), basis),
  );
  const failed = proposals.filter((each): each is Extract<Proposal, { kind: 'failed' }> => each.kind === 'failed');
  const say = sayAbout(autoscaler);
  const events = failed.map(({ reason, why }) => say('Warning', reason, why));
  const metrics = proposals.map((each) => (each.kind === 'replicas' ? each.status : { type: '' }));
  let best = { replicas: 0, name: '' };
  for (const each of proposals)
    if (each.kind === 'replicas' && (best.replicas === 0 || each.replicas > best.replicas)) best = each;
  const first = failed[0];
  const fewer = best.replicas < basis.specReplicas;
  if (first !== undefined && (failed.length >= specs.length || fewer)) {
    const message = `the HPA was unable to compute the replica count: ${first.why}`;
    const said: Said = { type: 'ScalingActive', isTrue: false, reason: first.reason, message };
    const why = `invalid metrics (${failed.length} invalid out of ${specs.length}), first error is: ${first.told}`;
    return { kind: 'failed', why, events, said, metrics };
  }
  const message = `the HPA was able to successfully calculate a replica count from ${best.name}`;
  const said: Said = { type: 'ScalingActive', isTrue: true, reason: 'ValidMetricFound', message };
  return { kind: 'replicas', replicas: best.replicas, name: best.name, events, said, metrics };
}

function tolerancesOf(
  { spec }: V2HorizontalPodAutoscaler,
  { tolerance, configurableTolerance }: AutoscalerSettings,
): Tolerances {
  const own = (text: string | undefined): number =>
    text === undefined || !configurableTolerance ? tolerance : Number(parseQuantity(text).milliValue()) / 1000;
  return { up: own(spec?.behavior?.scaleUp?.tolerance), down: own(spec?.behavior?.scaleDown?.tolerance) };
}

/** What is left to do once the target has been changed, or not; and what is remembered. */
export interface RoundEnd {
  readonly actions: readonly Action[];
  readonly history: History;
}

/** The second half: events and the status. `outcome`: of the change, where there was one. */
export function planEnd(
  autoscaler: V2HorizontalPodAutoscaler,
  plan: RoundPlan,
  outcome: Outcome | undefined,
  settings: AutoscalerSettings,
  now: Now,
): RoundEnd {
  const { rescale, current, metrics } = plan;
  const before = autoscaler.status;
  const last = before?.lastScaleTime;
  const write = (desired: number, said: readonly Said[], scaled: boolean): Action[] => {
    const lastScaleTime = scaled ? formatTime(now.wallMs) : last;
    const conditions = withConditions(before?.conditions ?? [], said, now.wallMs);
    return statusAction(autoscaler, {
      currentReplicas: current,
      desiredReplicas: desired,
      ...(lastScaleTime === undefined ? {} : { lastScaleTime }),
      ...(metrics.length === 0 ? {} : { currentMetrics: [...metrics] }),
      conditions,
    });
  };
  const unchanged = before?.desiredReplicas ?? 0;
  if (rescale === undefined || outcome === undefined) {
    const status = write(plan.desired ?? unchanged, plan.said, false);
    return { actions: [...plan.events, ...status, ...plan.lastEvents], history: plan.history };
  }
  const { to, reason } = rescale;
  const say = sayAbout(autoscaler);
  if (outcome.kind === 'failed') {
    const event = say('Warning', 'FailedRescale', `New size: ${to}; reason: ${reason}; error: ${outcome.why}`);
    const message = `the HPA controller was unable to update the target scale: ${outcome.why}`;
    const failed: Said = { type: 'AbleToScale', isTrue: false, reason: 'FailedUpdateScale', message };
    const unknown = outcome.unknown ? { from: current, to, atMs: now.monotonicMs } : undefined;
    return {
      actions: [...plan.events, event, ...write(unchanged, [...plan.said, failed], false)],
      history: { ...plan.history, unknown },
    };
  }
  const event = say('Normal', 'SuccessfulRescale', `New size: ${to}; reason: ${reason}`);
  const message = `the HPA controller was able to update the target scale to ${to}`;
  const done: Said[] = [{ type: 'AbleToScale', isTrue: true, reason: 'SucceededRescale', message }];
  if (settings.scaleToZero) done.push(scaledToZero(to === 0 && minOf(autoscaler) === 0 && hasOutsideMetric(autoscaler)));
  return {
    actions: [...plan.events, event, ...write(to, [...plan.said, ...done], true)],
    history: withChange(plan.history, current, to, now.monotonicMs),
  };
}

function scaledToZero(isTrue: boolean): Said {
  return isTrue
    ? { type: 'ScaledToZero', isTrue, reason: 'ScaledToZero', message: 'the HPA controller scaled the workload to zero' }
    : {
        type: 'ScaledToZero',
        isTrue,
        reason: 'NotScaledToZero',
        message: 'the HPA controller did not scale the workload to zero',
      };
}

/** Where the target cannot be looked at. */
export function planWithoutScale(autoscaler: V2HorizontalPodAutoscaler, why: string, now: Now): readonly Action[] {
  const message = `the HPA controller was unable to get the target's current scale: ${why}`;
  const said: Said = { type: 'AbleToScale', isTrue: false, reason: 'FailedGetScale', message };
  const { status } = autoscaler;
  const conditions = withConditions(status?.conditions ?? [], [said], now.wallMs);
  const next = { ...status, desiredReplicas: status?.desiredReplicas ?? 0, conditions };
  return [sayAbout(autoscaler)('Warning', 'FailedGetScale', why), ...statusAction(autoscaler, next)];
}

/** The write of a status that is another than before. */
function statusAction(autoscaler: V2HorizontalPodAutoscaler, status: V2HorizontalPodAutoscalerStatus): Action[] {
  if (semanticEqual(autoscaler.status ?? {}, status)) return [];
  const object = { ...autoscaler, status } as V2HorizontalPodAutoscaler;
  return [{ verb: 'update', resource: horizontalPodAutoscalers, subresource: 'status', object }];
}

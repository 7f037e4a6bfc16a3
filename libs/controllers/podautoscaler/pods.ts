// Which pods' metrics count, and what the pods ask for (pkg/controller/podautoscaler/replica_calculator.go).
import type { Pod } from '@drydock/api/generated/types.ts';
import { podRequests } from '@drydock/api/pod-resources.ts';
import { parseQuantity } from '@drydock/api/quantity.ts';
import { parseTime } from '@drydock/foundation/clock.ts';
import { isBeingDeleted, nameOf } from '../common/object-meta.ts';
import { podCondition } from '../common/pod.ts';
import type { PodMetric, PodMetrics } from './metrics.ts';
import type { AutoscalerSettings } from './settings.ts';

export interface GroupedPods {
  readonly readyCount: number;
  /** Not running yet, or (of the processor) not to be believed yet. */
  readonly unready: ReadonlySet<string>;
  /** Running, without a metric. */
  readonly missing: ReadonlySet<string>;
  /** Failed, or going. */
  readonly ignored: ReadonlySet<string>;
}

type Times = Pick<AutoscalerSettings, 'cpuInitializationMs' | 'initialReadinessMs'>;

/** `resource`: which one is measured; empty for metrics that are of no resource. */
export function groupPods(
  pods: readonly Pod[],
  metrics: PodMetrics,
  resource: string,
  times: Times,
  nowMs: number,
): GroupedPods {
  const [unready, missing, ignored] = [new Set<string>(), new Set<string>(), new Set<string>()];
  let readyCount = 0;
  for (const pod of pods) {
    const name = nameOf(pod);
    const metric = metrics.get(name);
    if (isBeingDeleted(pod) || pod.status?.phase === 'Failed') ignored.add(name);
    else if (pod.status?.phase === 'Pending') unready.add(name);
    else if (metric === undefined) missing.add(name);
    else if (resource === 'cpu' && !isBelieved(pod, metric, times, nowMs)) unready.add(name);
    else readyCount++;
  }
  return { readyCount, unready, missing, ignored };
}

/** A pod that starts uses more of the processor than it will: what it uses counts once it is ready. */
function isBelieved(pod: Pod, metric: PodMetric, { cpuInitializationMs, initialReadinessMs }: Times, nowMs: number): boolean {
  const ready = podCondition(pod, 'Ready');
  const startMs = parseTime(pod.status?.startTime);
  if (ready === undefined || startMs === undefined) return false;
  const changedMs = parseTime(ready.lastTransitionTime) ?? 0;
  if (startMs + cpuInitializationMs > nowMs)
    return ready.status !== 'False' && metric.timestampMs >= changedMs + metric.windowMs;
  return ready.status !== 'False' || startMs + initialReadinessMs <= changedMs;
}

/** The metrics of pods that are neither ignored nor unready. */
export function countedMetrics(metrics: PodMetrics, { unready, ignored }: GroupedPods): Map<string, number> {
  const counted = [...metrics].filter(([name]) => !unready.has(name) && !ignored.has(name));
  return new Map(counted.map(([name, { value }]) => [name, value]));
}

/** Ready ones that run; throws where there are no pods at all. */
export function readyPods(pods: readonly Pod[]): number {
  someOf(pods);
  return pods.filter((pod) => pod.status?.phase === 'Running' && podCondition(pod, 'Ready')?.status === 'True').length;
}

/** The pods, of which there must be some. */
export function someOf(pods: readonly Pod[]): readonly Pod[] {
  if (pods.length === 0) throw new Error('no pods returned by selector while calculating replica count');
  return pods;
}

/** What each pod asks for of a resource, in thousandths: all of it, or `container` where that is not empty. Throws in upstream's words. */
export function requestsOf(pods: readonly Pod[], resource: string, container: string): Map<string, number> {
  return new Map(pods.map((pod) => [nameOf(pod), requestOf(pod, resource, container)]));
}

function requestOf(pod: Pod, resource: string, container: string): number {
  if (container === '' && Object.keys(pod.spec?.resources?.requests ?? {}).length > 0) return podLevel(pod, resource);
  const { containers = [], initContainers = [] } = pod.spec ?? {};
  const running = [...containers, ...initContainers.filter(({ restartPolicy }) => restartPolicy === 'Always')];
  const wanted = container === '' ? running : running.filter(({ name }) => name === container);
  if (container !== '' && wanted.length === 0) throw new Error(`container ${container} not found in Pod ${nameOf(pod)}`);
  let total = 0;
  for (const { name, resources } of wanted) {
    const request = resources?.requests?.[resource];
    if (request === undefined) throw new Error(`missing request for ${resource} in container ${name} of Pod ${nameOf(pod)}`);
    total += Number(parseQuantity(request).milliValue());
  }
  return total;
}

/** Where a pod asks as a whole. */
function podLevel(pod: Pod, resource: string): number {
  const amount = podRequests(pod.spec ?? { containers: [] }).get(resource);
  if (amount === undefined) throw new Error(`missing pod-level request for ${resource} in Pod ${nameOf(pod)}`);
  return resource === 'cpu' ? amount : amount * 1000;
}

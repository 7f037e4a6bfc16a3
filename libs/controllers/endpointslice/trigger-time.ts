// When what an endpoints object tells became true: an annotation from which propagation delays are measured.
import type { Pod, Service } from '@drydock/api/generated/types.ts';
import { formatTime, parseTime } from '@drydock/foundation/clock.ts';
import { podCondition } from '../common/pod.ts';

export const triggerTimeAnnotation = 'endpoints.kubernetes.io/last-change-trigger-time';

/** What was known at the last round, per Service: the driver keeps it, and losing it loses one annotation's accuracy. */
export interface TriggerState {
  readonly serviceMs: number;
  readonly podMs: ReadonlyMap<string, number>;
}

/**
 * The earliest change since `previous`: the creation of the Service, or a change of a pod's readiness. undefined where nothing
 * known changed (upstream's endpointslice.TriggerTimeTracker).
 */
export function triggerTime(
  service: Service,
  pods: readonly Pod[],
  previous: TriggerState | undefined,
): { state: TriggerState; time: string | undefined } {
  const podMs = new Map<string, number>();
  const changed: number[] = [];
  for (const pod of pods) {
    const at = parseTime(podCondition(pod, 'Ready')?.lastTransitionTime);
    if (at === undefined) continue;
    const name = pod.metadata?.name ?? '';
    podMs.set(name, at);
    if (at > (previous?.podMs.get(name) ?? 0)) changed.push(at);
  }
  const serviceMs = parseTime(service.metadata?.creationTimestamp) ?? 0;
  if (serviceMs > (previous?.serviceMs ?? 0)) changed.push(serviceMs);
  return { state: { serviceMs, podMs }, time: changed.length === 0 ? undefined : formatTime(Math.min(...changed)) };
}

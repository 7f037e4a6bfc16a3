// Drives plan.ts: each autoscaler is looked at once per period, its metrics are read, its target is changed.
import type { V2HorizontalPodAutoscaler } from '@drydock/api/generated/types.ts';
import { horizontalPodAutoscalers, pods as podResource } from '@drydock/api/resource.ts';
import { matchesLabels } from '@drydock/api/selectors/label.ts';
import { mayHaveHappened } from '@drydock/client/errors.ts';
import { eventAbout } from '../common/action.ts';
import { Driver, type Round } from '../common/driver.ts';
import { byNamespace, indexByNamespace } from '../common/indexes.ts';
import { keyOf, namespaceOf, splitKey } from '../common/object-meta.ts';
import type { ControllerContext } from '../common/ports.ts';
import type { History } from './history.ts';
import { type MetricsReader, readMetric } from './metrics.ts';
import {
  asksMetrics,
  type Measured,
  type Now,
  type Outcome,
  planEnd,
  planRound,
  planWithoutScale,
  type RoundPlan,
} from './plan.ts';
import { RestMetrics } from './rest-metrics.ts';
import { ambiguous, parsedSelector, Selections } from './selection.ts';
import type { AutoscalerSettings } from './settings.ts';
import { type ReadScale, readScale, scaledTo } from './target.ts';

/** Starts the controller; it runs until the context's signal aborts. `metrics`: where they are read, by default through the apiserver. */
export async function startPodAutoscaler(
  settings: AutoscalerSettings,
  context: ControllerContext,
  metrics: MetricsReader = new RestMetrics(context.client),
): Promise<void> {
  const { clock, log } = context;
  const autoscalers = context.caches.of(horizontalPodAutoscalers);
  const pods = context.caches.of(podResource);
  indexByNamespace(pods);
  const selections = new Selections();
  const histories = new Map<string, History>();
  const now = (): Now => ({ wallMs: clock.wallMs(), monotonicMs: clock.monotonicMs() });

  const measure = async (key: string, autoscaler: V2HorizontalPodAutoscaler, text: string): Promise<Measured> => {
    const parsed = parsedSelector(text);
    if ('event' in parsed) return { kind: 'unselected', problem: parsed };
    selections.set(key, parsed);
    const namespace = namespaceOf(autoscaler);
    const selected = [...pods.lookup(byNamespace, namespace)].filter(({ metadata }) => matchesLabels(parsed, metadata?.labels));
    const rivals = selections.of(namespace, selected);
    if (rivals.length > 1) return { kind: 'unselected', problem: ambiguous(text, rivals) };
    const readings = [];
    for (const spec of autoscaler.spec?.metrics ?? []) readings.push(await readMetric(metrics, namespace, text, spec));
    return { kind: 'read', pods: selected, readings };
  };

  const work = async (key: string, autoscaler: V2HorizontalPodAutoscaler, round: Round): Promise<void> => {
    let read: ReadScale;
    try {
      const target = autoscaler.spec?.scaleTargetRef ?? { kind: '', name: '' };
      read = await readScale(round.client, namespaceOf(autoscaler), target);
    } catch (error) {
      await round.execute(planWithoutScale(autoscaler, (error as Error).message, now()));
      return;
    }
    const { scale } = read;
    const measured = asksMetrics(autoscaler, scale, settings)
      ? await measure(key, autoscaler, scale.status?.selector ?? '')
      : undefined;
    const observed = { autoscaler, scale, measured, history: histories.get(key) };
    const plan = planRound(observed, settings, now());
    histories.set(key, plan.history);
    const end = planEnd(autoscaler, plan, await rescale(read, plan, round), settings, now());
    histories.set(key, end.history);
    await round.execute(end.actions);
  };

  const driver = new Driver(context, {
    name: 'horizontal-pod-autoscaler-controller',
    concurrency: settings.concurrency,
    caches: [autoscalers],
    waitFor: [pods],
    async sync(key, round) {
      const autoscaler = autoscalers.get(splitKey(key));
      if (autoscaler === undefined) {
        histories.delete(key);
        selections.forget(key);
        return undefined;
      }
      try {
        await work(key, autoscaler, round);
      } catch (error) {
        // The next period comes soon enough; what is measured then is what counts.
        context.signal.throwIfAborted();
        const why = (error as Error).message;
        context.record(eventAbout(horizontalPodAutoscalers, autoscaler, 'Warning', 'FailedUpdateStatus', why));
        log.warn({ key, error: why }, 'autoscaler: the status was not written');
      }
      return settings.syncPeriodMs;
    },
  });
  autoscalers.subscribe(({ before, after }) => {
    // One that is gone is forgotten at once; the others wait for their turn.
    if (after === undefined) driver.enqueue(keyOf(before ?? {}));
    else driver.enqueueAfter(keyOf(after), settings.syncPeriodMs);
  });
  await driver.start();
}

/** Changes the target where the plan says so. */
async function rescale(read: ReadScale, plan: RoundPlan, round: Round): Promise<Outcome | undefined> {
  if (plan.rescale === undefined) return undefined;
  const object = scaledTo(read, plan.rescale.to);
  try {
    await round.execute([{ verb: 'update', resource: read.resource, subresource: 'scale', object }]);
    return { kind: 'done' };
  } catch (error) {
    return { kind: 'failed', why: (error as Error).message, unknown: mayHaveHappened(error) };
  }
}

// Autoscalers on a world with a server and metrics, whatever befalls the controller.
import type {
  Deployment,
  Pod,
  V2HorizontalPodAutoscaler,
  V2HorizontalPodAutoscalerSpec,
} from '@drydock/api/generated/types.ts';
import { deployments, horizontalPodAutoscalers, pods } from '@drydock/api/resource.ts';
import { apiError } from '@drydock/api/status.ts';
import { type Call, isWrite } from '@drydock/client/client-layer.ts';
import { expect, test } from 'vitest';
import { type Manager, World, withEveryMishap } from '../testing/world.ts';
import { startPodAutoscaler } from './controller.ts';
import type { MetricsReader } from './metrics.ts';
import type { AutoscalerSettings } from './settings.ts';
import { queue, settings } from './testing.ts';

const labels = { app: 'web' };
const periodMs = settings.syncPeriodMs;

class Scaling extends World {
  /** What the queue holds, in thousandths. */
  queued = 0;
  /** Called with each reading. */
  reading: () => Promise<void> = async () => {};
  settings: AutoscalerSettings = settings;

  run(strike: (manager: Manager, restart: () => void) => void = () => {}): Manager {
    const manager = this.manager();
    strike(manager, () => this.run(strike));
    const none = (): Promise<never> => Promise.reject(new Error('no such metrics'));
    const metrics: MetricsReader = {
      resource: none,
      pods: none,
      object: none,
      external: async () => {
        await this.reading();
        return this.queued;
      },
    };
    void startPodAutoscaler(this.settings, manager.context, metrics);
    return manager;
  }

  async target(name: string, replicas: number, wanted: Partial<V2HorizontalPodAutoscalerSpec> = {}): Promise<void> {
    await this.user.create<Deployment>(deployments, {
      metadata: { namespace: 'a', name },
      spec: { replicas, selector: { matchLabels: labels }, template: { metadata: { labels }, spec: { containers: [] } } },
    });
    await this.autoscaler(name, { apiVersion: 'apps/v1', kind: 'Deployment', name }, wanted);
  }

  async autoscaler(
    name: string,
    scaleTargetRef: V2HorizontalPodAutoscalerSpec['scaleTargetRef'],
    wanted: Partial<V2HorizontalPodAutoscalerSpec> = {},
  ): Promise<void> {
    const spec = { scaleTargetRef, minReplicas: 1, maxReplicas: 20, metrics: [queue('1')], ...wanted };
    await this.user.create<V2HorizontalPodAutoscaler>(horizontalPodAutoscalers, { metadata: { namespace: 'a', name }, spec });
  }

  replicas(name = 'web'): number | undefined {
    return this.list<Deployment>(deployments).find(({ metadata }) => metadata?.name === name)?.spec?.replicas;
  }

  said(name = 'web'): string[] {
    const found = this.list<V2HorizontalPodAutoscaler>(horizontalPodAutoscalers).find(
      ({ metadata }) => metadata?.name === name,
    );
    return (found?.status?.conditions ?? []).map(({ type, status, reason }) => `${type}=${status} ${reason}`);
  }

  async pass(periods: number): Promise<void> {
    await this.clock.advanceAsync(periods * periodMs + 10);
  }
}

test('the target has as many as are asked for, and the status says so, whatever befalls any write', async () => {
  const writes = await withEveryMishap(async (strike, label) => {
    const world = new Scaling();
    world.queued = 3_000;
    world.run(strike);
    await world.target('web', 1);
    // A lost call is waited for; its cache lags for a while.
    await world.pass(14);
    const status = world.list<V2HorizontalPodAutoscaler>(horizontalPodAutoscalers)[0]?.status;
    expect({ label, replicas: world.replicas(), current: status?.currentReplicas, desired: status?.desiredReplicas }).toEqual({
      label,
      replicas: 3,
      current: 3,
      desired: 3,
    });
    expect(world.said()).toContain('ScalingActive=True ValidMetricFound');
  });
  // The scale, the status that tells of it, the status of the round after.
  expect(writes).toBe(3);
}, 20_000);

test('nothing is looked at before its time, and what stays as it is is written once', async () => {
  const world = new Scaling();
  world.queued = 2_000;
  const { writes } = world.run();
  await world.target('web', 2);
  await world.clock.advanceAsync(periodMs - 100);
  expect(writes).toEqual([]);
  await world.pass(5);
  expect(writes).toEqual(['update horizontalpodautoscalers/status']);
});

test('a scale whose answer is lost counts for its policy', async () => {
  const world = new Scaling();
  world.queued = 20_000;
  const { network } = world.run();
  const scaleUp = { policies: [{ type: 'Pods', value: 2, periodSeconds: 600 }] };
  let lost = false;
  network.fate = (call: Call) => {
    if (!isWrite(call) || call.subresource !== 'scale' || lost) return {};
    lost = true;
    return { lost: 'answer' };
  };
  await world.target('web', 1, { behavior: { scaleUp } });
  await world.pass(20);
  expect(lost).toBe(true);
  expect(world.replicas()).toBe(3);
});

test('a status that cannot be written is told, and written in the next period', async () => {
  const world = new Scaling();
  world.queued = 2_000;
  const { network } = world.run();
  let refused = 0;
  network.fate = (call: Call) =>
    call.subresource === 'status' && refused++ === 0 ? { error: apiError('TooManyRequests', 'try again later') } : {};
  await world.target('web', 2);
  await world.pass(1);
  expect(world.events.map(({ type, reason, message }) => `${type} ${reason}: ${message}`)).toEqual([
    'Warning FailedUpdateStatus: try again later',
  ]);
  await world.pass(1);
  expect(world.said()).toContain('ScalingActive=True ValidMetricFound');
});

test('with the lease lost in the middle of a reading nothing is written', async () => {
  const world = new Scaling();
  world.queued = 9_000;
  const { leadership, writes } = world.run();
  world.reading = async () => leadership.revoke('lost');
  await world.target('web', 1);
  await world.pass(3);
  expect([world.replicas(), writes]).toEqual([1, []]);
});

test('a reading that never comes back holds up no other autoscaler', async () => {
  const world = new Scaling();
  world.queued = 4_000;
  let first = true;
  world.reading = () => (first ? new Promise(() => (first = false)) : Promise.resolve());
  world.run();
  await world.target('web', 1);
  await world.target('other', 1);
  await world.pass(2);
  expect([world.replicas('web'), world.replicas('other')].sort()).toEqual([1, 4]);
});

test('two that count the same pods do nothing, until one of them goes', async () => {
  const world = new Scaling();
  world.queued = 5_000;
  world.run();
  await world.user.create<Pod>(pods, { metadata: { namespace: 'a', name: 'p', labels }, spec: { containers: [] } });
  await world.target('web', 2);
  await world.target('twin', 2);
  await world.pass(2);
  const why = 'pods by selector app=web are controlled by multiple HPAs: [a/twin a/web]';
  expect(world.events.some(({ reason, message }) => reason === 'AmbiguousSelector' && message === why)).toBe(true);
  const twice = world.replicas('twin');
  await world.user.delete(horizontalPodAutoscalers, { namespace: 'a', name: 'twin' });
  await world.pass(3);
  expect(world.replicas('web')).toBe(5);
  expect(world.replicas('twin')).toBe(twice);
});

test('a target that is of no kind, and one that is not there', async () => {
  const world = new Scaling();
  world.run();
  await world.autoscaler('odd', { apiVersion: 'example.com/v1', kind: 'Gadget', name: 'g' });
  await world.autoscaler('gone', { apiVersion: 'apps/v1', kind: 'Deployment', name: 'gone' });
  await world.pass(1);
  expect(world.events.map(({ about, reason, message }) => `${about.name} ${reason}: ${message}`).sort()).toEqual([
    'gone FailedGetScale: deployments.apps "gone" not found',
    'odd FailedGetScale: no matches for kind "Gadget" in group "example.com"',
  ]);
  expect(world.said('gone')).toEqual(['AbleToScale=False FailedGetScale']);
});

test('what is no longer needed goes after five minutes, and not before', async () => {
  const world = new Scaling();
  world.queued = 6_000;
  world.run();
  await world.target('web', 1);
  await world.pass(3);
  expect(world.replicas()).toBe(6);
  world.queued = 1_000;
  await world.pass(18);
  expect(world.replicas()).toBe(6);
  await world.pass(4);
  expect(world.replicas()).toBe(1);
});

// What one pod may cost the scheduler's only thread, whoever wrote it.
import { performance } from 'node:perf_hooks';
import type { Pod } from '@drydock/api/generated/types.ts';
import { SeededRandom } from '@drydock/foundation/random.ts';
import { expect, test } from 'vitest';
import { SchedulerCore } from './core.ts';
import { defaultProfile } from './profile.ts';
import { node, pod } from './testing.ts';

const zone = 'topology.kubernetes.io/zone';
/** Generous: the machine may be busy. Without bounds the same takes a minute and more. */
const decisionMsMax = 3_000;

function cluster(): SchedulerCore {
  const core = new SchedulerCore([defaultProfile()], new SeededRandom(1).stream('test'));
  for (let n = 0; n < 100; n++) core.nodeChanged(node(`n${n}`, { labels: { [zone]: `z${n % 3}` } }), 0);
  // Each pod with labels of its own, as those of a StatefulSet.
  for (let p = 0; p < 3_000; p++) {
    const made = pod(`p${p}`, { spec: { nodeName: `n${p % 100}` } });
    core.podChanged({ ...made, metadata: { ...made.metadata, labels: { app: `a${p}`, pod: `p${p}` } } }, 0);
  }
  return core;
}

const terms = (count: number) =>
  Array.from({ length: count }, (_, i) => ({
    topologyKey: zone,
    namespaceSelector: {},
    labelSelector: { matchExpressions: [{ key: `k${i}`, operator: 'DoesNotExist' }] },
  }));
const spreads = (count: number) =>
  Array.from({ length: count }, (_, i) => ({
    maxSkew: 1,
    topologyKey: `k${i}`,
    whenUnsatisfiable: i % 2 ? 'ScheduleAnyway' : 'DoNotSchedule',
    labelSelector: { matchExpressions: [{ key: `k${i}`, operator: 'DoesNotExist' }] },
  }));

test.each<[string, Partial<NonNullable<Pod['spec']>>]>([
  ['affinity', { affinity: { podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: terms(8_000) } } }],
  ['anti-affinity', { affinity: { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: terms(8_000) } } }],
  [
    'preferences',
    {
      affinity: {
        podAffinity: {
          preferredDuringSchedulingIgnoredDuringExecution: terms(8_000).map((podAffinityTerm) => ({
            weight: 1,
            podAffinityTerm,
          })),
        },
      },
    },
  ],
  ['constraints', { topologySpreadConstraints: spreads(8_000) }],
])('a pod with thousands of terms of %s takes no longer than a moment', (_, spec) => {
  const core = cluster();
  core.podChanged(pod('hostile', { spec: { priority: 10, ...spec } }), 0);
  const startMs = performance.now();
  core.next(0);
  expect(performance.now() - startMs).toBeLessThan(decisionMsMax);
});

test('what a hostile pod is told', () => {
  const core = cluster();
  const affinity = { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: terms(8_000) } };
  core.podChanged(pod('hostile', { spec: { affinity } }), 0);
  expect(core.next(0)).toMatchObject({
    message:
      '0/100 nodes are available: pod has too many affinity terms or topology spread constraints for this cluster. not found',
  });
});

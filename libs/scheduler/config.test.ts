import { expect, test } from 'vitest';
import { defaultSchedulerConfig, parseSchedulerConfig } from './config.ts';

const file = (body: string) => `apiVersion: kubescheduler.config.k8s.io/v1\nkind: KubeSchedulerConfiguration\n${body}`;

test('an empty file is the defaults', () => {
  expect(parseSchedulerConfig(file(''))).toEqual(defaultSchedulerConfig);
});

test('every field that has an effect arrives', () => {
  const text = file(`
parallelism: 3
percentageOfNodesToScore: 30
podInitialBackoffSeconds: 2
podMaxBackoffSeconds: 20
enableProfiling: true
leaderElection: { leaderElect: false, leaseDuration: 4s, renewDeadline: 3s, retryPeriod: 500ms, resourceName: mine, resourceNamespace: here }
clientConnection: { kubeconfig: /k, qps: 7.5, burst: 9 }
profiles: [{ schedulerName: own, percentageOfNodesToScore: 60 }]
`);
  expect(parseSchedulerConfig(text)).toEqual({
    schedulerName: 'own',
    percentageOfNodesToScore: 60,
    podInitialBackoffMs: 2_000,
    podMaxBackoffMs: 20_000,
    parallelism: 3,
    leaderElection: {
      leaderElect: false,
      leaseDurationMs: 4_000,
      renewDeadlineMs: 3_000,
      retryPeriodMs: 500,
      resourceName: 'mine',
      resourceNamespace: 'here',
    },
    clientConnection: { kubeconfig: '/k', qps: 7.5, burst: 9 },
    withoutEffect: ['enableProfiling'],
  });
});

test.each([
  ['percentageOfNodesToScore: 101', /percentageOfNodesToScore: Invalid value: 101: not in valid range \[0-100\]/],
  ['profiles: [{ percentageOfNodesToScore: -1 }]', /percentageOfNodesToScore: Invalid value: -1/],
  ['parallelism: 0', /parallelism: expected a whole number of at least 1, got 0/],
  ['clientConnection: { burst: -1 }', /clientConnection.burst: expected a number/],
  ['leaderElection: { retryPeriod: soon }', /leaderElection.retryPeriod: expected a duration/],
  ['leaderElection: { resourceLock: endpoints }', /leaderElection.resourceLock: Invalid value: "endpoints"/],
  ['wrong: 1', /unknown field "wrong"/],
])('%s is refused by name', (body, message) => {
  expect(() => parseSchedulerConfig(file(body))).toThrow(message);
});

// A deployment that grows with what its pods use: load on real containers, from the kubelets to the number of replicas.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { applyObjects, e2eSkipReason, kubectl, until } from './lab.ts';

const namespace = 'e2e-autoscaling';
/** Metrics come every ten seconds, and it takes two of them; the autoscaler looks every five. */
const patienceMs = 120_000;

/** A deployment that says nothing of its replicas; each pod uses all that it may, four times what it asks for. */
const deployment = (image: string): object => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'web' },
  spec: {
    selector: { matchLabels: { app: 'web' } },
    template: {
      metadata: { labels: { app: 'web' } },
      spec: {
        terminationGracePeriodSeconds: 0,
        containers: [
          {
            name: 'c',
            image,
            command: ['sh', '-c', 'while :; do :; done'],
            resources: { requests: { cpu: '25m' }, limits: { cpu: '100m' } },
          },
        ],
      },
    },
  },
});

const replicas = () => kubectl('-n', namespace, 'get', 'deployment', 'web', '-o', 'jsonpath={.spec.replicas}');
const autoscaler = (path: string) => kubectl('-n', namespace, 'get', 'hpa', 'web', '-o', `jsonpath=${path}`);

describe.skipIf(e2eSkipReason !== undefined)(`autoscaling (${e2eSkipReason ?? 'as root'})`, () => {
  beforeAll(() => kubectl('create', 'namespace', namespace));
  afterAll(() => kubectl('delete', 'namespace', namespace));

  test('a deployment under load grows up to its maximum, and the autoscaler says why', async () => {
    await applyObjects(namespace, deployment('busybox'));
    expect(await replicas()).toBe('1');
    await kubectl('-n', namespace, 'autoscale', 'deployment', 'web', '--min=1', '--max=3', '--cpu-percent=50');
    await until('three replicas', async () => (await replicas()) === '3' || autoscaler('{.status}'), patienceMs);
    await until('the status shows it', async () => (await autoscaler('{.status.currentReplicas}')) === '3', patienceMs);
    expect(await kubectl('-n', namespace, 'get', 'hpa', 'web', '--no-headers')).toMatch(
      /^web\s+Deployment\/web\s+cpu: \d+%\/50%\s+1\s+3\s+3\s/,
    );
    const described = await kubectl('-n', namespace, 'describe', 'hpa', 'web');
    expect(described).toMatch(/resource cpu on pods {2}\(as a percentage of request\): +\d+% \(\d+m\) \/ 50%/);
    expect(described).toMatch(/ScalingActive +True +ValidMetricFound/);
    expect(described).toMatch(/Normal +SuccessfulRescale .*New size: 3; reason: cpu resource utilization .* above target/);
  });

  test('a manifest without replicas, applied again, leaves the autoscaler’s number alone', async () => {
    expect(await applyObjects(namespace, deployment('busybox:latest'))).toContain('deployment.apps/web configured');
    expect(await replicas()).toBe('3');
  });
});

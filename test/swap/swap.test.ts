// Each of our programs in the place of the upstream one, with every other program upstream's: two replicas become Ready and answer.
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { execa } from '@drydock/foundation/child-process.ts';
import { beforeAll, describe, expect, test } from 'vitest';
import { ours, swapSkipReason, type UpstreamCluster, upstreamCluster } from './upstream.ts';

const launcher = fileURLToPath(new URL('../../drydock', import.meta.url));
const readyTimeoutMs = 90_000;

/** Upstream's clients speak JSON to our apiserver: it has no protobuf. */
const swaps: [string, string[]][] = [
  ['etcd', []],
  ['kube-apiserver', ['--json']],
  ['kube-controller-manager', []],
  ['kube-scheduler', []],
  ['kubelet', []],
  ['kube-proxy', []],
];

describe.skipIf(swapSkipReason !== undefined)(`component swap (${swapSkipReason ?? 'among upstream programs'})`, () => {
  let archive = '';
  beforeAll(async () => {
    archive = (await execa(launcher, ['image', 'build'])).stdout.trim();
  });

  test.each(swaps)('%s', async (component, flags) => {
    const cluster = await upstreamCluster(['--use', ours(component), ...flags]);
    try {
      await cluster.load(archive);
      await serviceAccount(cluster);
      await cluster.kubectl('create', 'deployment', 'web', '--image=drydock/echo:1', '--replicas=2', '--port=8080');
      await cluster.kubectl('expose', 'deployment/web', '--port=80', '--target-port=8080');
      await cluster.kubectl('rollout', 'status', 'deployment/web', `--timeout=${readyTimeoutMs / 1000}s`);
      const address = await cluster.kubectl('get', 'service', 'web', '-o', 'jsonpath={.spec.clusterIP}');
      for (const worker of [1, 2]) {
        const answer = await answerWithin(30_000, () => cluster.onWorker(worker, `busybox wget -q -O- http://${address}/`));
        expect(answer).toMatch(/^web-/);
      }
      const logs = await cluster.kubectl('logs', 'deployment/web');
      expect(logs).toContain('listens on 8080');
    } finally {
      await cluster.down();
    }
  });
});

/** Pods are refused until the controller-manager has made the namespace's service account. */
async function serviceAccount(cluster: UpstreamCluster): Promise<void> {
  await answerWithin(30_000, () => cluster.kubectl('get', 'serviceaccount', 'default', '-o', 'name'));
}

async function answerWithin(timeoutMs: number, ask: () => Promise<string>): Promise<string> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      if (performance.now() > deadline) throw error;
      await sleep(200);
    }
  }
}

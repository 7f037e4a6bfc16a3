// Acceptance 6 and 7: a worker dies, or is cut off; its pods are replaced; it comes back.
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { deployEcho, e2eSkipReason, kubectl, kubectlJson, lab, nodeAddress, podsOf, until } from './lab.ts';

const namespace = 'e2e-worker';
/** What the issue allows for loss and return together, under the fast profile. */
const wholeStoryMaxMs = 90_000;

interface Node {
  spec: { taints?: { key: string; effect: string }[] };
  status: { conditions: { type: string; status: string; reason: string }[] };
}

async function readiness(name: string): Promise<string> {
  const node = await kubectlJson<Node>('get', 'node', name);
  return node.status.conditions.find((condition) => condition.type === 'Ready')?.status ?? '';
}

async function endpointNodes(service: string): Promise<string[]> {
  interface Slices {
    items: { endpoints?: { nodeName?: string; conditions: { ready?: boolean } }[] | null }[];
  }
  const { items } = await kubectlJson<Slices>(
    '-n',
    namespace,
    'get',
    'endpointslices',
    '-l',
    `kubernetes.io/service-name=${service}`,
  );
  return items.flatMap((slice) => (slice.endpoints ?? []).filter((e) => e.conditions.ready).map((e) => e.nodeName ?? ''));
}

async function expectLoss(worker: string): Promise<void> {
  await until(`${worker} is not Ready`, async () => (await readiness(worker)) === 'Unknown');
  await until(`${worker} is tainted`, async () => {
    const { spec } = await kubectlJson<Node>('get', 'node', worker);
    const effects = (spec.taints ?? []).filter((t) => t.key === 'node.kubernetes.io/unreachable').map((t) => t.effect);
    return (effects.includes('NoExecute') && effects.includes('NoSchedule')) || JSON.stringify(spec.taints);
  });
  await until('endpoints follow', async () => !(await endpointNodes('web')).includes(worker));
  await until('the pods are replaced elsewhere', async () => {
    const ready = (await podsOf(namespace, 'app=web')).filter((pod) => pod.ready && !pod.deleting && pod.node !== worker);
    return ready.length === 3 || `${ready.length} of 3`;
  });
}

async function expectReturn(worker: string): Promise<void> {
  await until(`${worker} is Ready again`, async () => (await readiness(worker)) === 'True');
  await until(
    'its taints are gone',
    async () => ((await kubectlJson<Node>('get', 'node', worker)).spec.taints ?? []).length === 0,
  );
  await until('the old pods are gone', async () => {
    const pods = await podsOf(namespace, 'app=web');
    return (pods.length === 3 && pods.every((pod) => pod.ready && !pod.deleting)) || JSON.stringify(pods);
  });
}

describe.skipIf(e2eSkipReason !== undefined)(`worker (${e2eSkipReason ?? 'as root'})`, () => {
  beforeAll(async () => {
    await kubectl('create', 'namespace', namespace);
  });
  afterEach(async () => {
    // Whatever a failed test left dead or cut off would fail the next one too.
    await lab('heal');
    await lab('start', 'worker-2');
    await kubectl('-n', namespace, 'delete', 'deployment,service', '--all');
    await until('no pod is left', async () => (await podsOf(namespace, 'app=web')).length === 0);
  });
  afterAll(() => kubectl('delete', 'namespace', namespace));

  test('kill worker-2, start worker-2', async () => {
    await deployEcho(namespace, 'web', 3);
    const started = performance.now();
    const lost = (await podsOf(namespace, 'app=web')).filter((pod) => pod.node === 'worker-2');
    expect(lost.length, 'a pod of the application is on worker-2').toBeGreaterThan(0);
    await lab('kill', 'worker-2');
    await expectLoss('worker-2');
    await lab('start', 'worker-2');
    await expectReturn('worker-2');
    expect(performance.now() - started).toBeLessThan(wholeStoryMaxMs);
    const uids = (await podsOf(namespace, 'app=web')).map((pod) => pod.uid);
    for (const pod of lost) expect(uids).not.toContain(pod.uid);
  });

  test('partition worker-3 from the control plane, heal', async () => {
    await deployEcho(namespace, 'web', 3);
    const island = (await podsOf(namespace, 'app=web')).filter((pod) => pod.node === 'worker-3');
    expect(island.length, 'a pod of the application is on worker-3').toBeGreaterThan(0);
    const address = await nodeAddress('worker-3');
    expect(address).not.toBe('');
    await lab('partition', 'worker-3 | control-plane');
    try {
      await expectLoss('worker-3');
      for (const pod of island) {
        // Straight to the pod, which nobody in the island has told to stop.
        const response = await fetch(`http://${pod.ip}:8080/`, { signal: AbortSignal.timeout(5_000) });
        expect(await response.text()).toContain(pod.name);
      }
    } finally {
      await lab('heal');
    }
    await expectReturn('worker-3');
  });
});

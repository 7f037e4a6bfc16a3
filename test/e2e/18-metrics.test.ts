// What nodes and pods use, as `kubectl top` tells it: from the kubelets, through the metrics server and the aggregator.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { e2eSkipReason, kubectl, lab, tryCommand, until } from './lab.ts';

const namespace = 'e2e-metrics';
/** Rounds are ten seconds apart in the fast profile, and it takes two; a container has to be ten seconds old. */
const patienceMs = 90_000;

interface Usage {
  readonly cpu: string;
  readonly memory: string;
}

/** The rows of `kubectl top`, by their names; throws where it fails, as long as there are no figures. */
async function top(...args: string[]): Promise<Map<string, readonly string[]>> {
  const text = await kubectl('top', ...args, '--no-headers');
  return new Map(
    text.split('\n').map((line) => {
      const [name = '', ...cells] = line.trim().split(/\s+/);
      return [name, cells];
    }),
  );
}

const usageOf = ([cpu = '', memory = '']: readonly string[] = []): Usage => ({ cpu, memory });
const millicores = (text: string) => Number(/^(\d+)m$/.exec(text)?.[1] ?? Number.NaN);
const mebibytes = (text: string) => Number(/^(\d+)Mi$/.exec(text)?.[1] ?? Number.NaN);

/** A pod of one container that may take a fifth of a processor. */
function run(name: string, command: string): Promise<string> {
  const resources = { requests: { cpu: '200m' }, limits: { cpu: '200m' } };
  const spec = {
    containers: [{ name, image: 'busybox', command: ['sh', '-c', command], resources }],
    terminationGracePeriodSeconds: 0,
  };
  return kubectl('-n', namespace, 'run', name, '--image=busybox', `--overrides=${JSON.stringify({ apiVersion: 'v1', spec })}`);
}

describe.skipIf(e2eSkipReason !== undefined)(`metrics (${e2eSkipReason ?? 'as root'})`, () => {
  beforeAll(async () => {
    await kubectl('create', 'namespace', namespace);
    await run('busy', 'while :; do :; done');
    await run('idle', 'sleep 1000000');
  });
  afterAll(() => kubectl('delete', 'namespace', namespace));

  test('nodes: each with its processors and its memory', async () => {
    await until('every node has figures', async () => (await top('nodes')).size === 3, patienceMs);
    for (const [name, cells] of await top('nodes')) {
      expect(name).toMatch(/^worker-\d$/);
      const { cpu, memory } = { cpu: cells[0] ?? '', memory: cells[2] ?? '' };
      expect(millicores(cpu)).toBeGreaterThan(0);
      expect(mebibytes(memory)).toBeGreaterThan(100);
    }
    expect(await kubectl('get', 'apiservice', 'v1beta1.metrics.k8s.io')).toMatch(/kube-system\/metrics-server\s+True/);
  });

  test('pods: who is busy is seen to be, and who is not is not', async () => {
    const pods = () => top('pods', '-n', namespace, '--sort-by=cpu');
    await until(
      'busy is busy',
      async () => {
        const all = await pods();
        const used = millicores(usageOf(all.get('busy')).cpu);
        return (all.size === 2 && used >= 50) || JSON.stringify([...all]);
      },
      patienceMs,
    );
    const all = await pods();
    expect([...all.keys()]).toEqual(['busy', 'idle']);
    expect(millicores(usageOf(all.get('busy')).cpu)).toBeLessThan(300);
    expect(millicores(usageOf(all.get('idle')).cpu)).toBeLessThan(20);
    const containers = await kubectl('top', 'pods', '-n', namespace, '--containers', '-l', 'run=busy', '--no-headers');
    expect(containers).toMatch(/^busy\s+busy\s+\d+m\s+\d+Mi/);
  });

  test('who may view a namespace may see what its pods use, and others may not', async () => {
    const asJoe = () => tryCommand('kubectl', '--as=joe', '-n', namespace, 'top', 'pods');
    expect(await asJoe()).toBe(
      `Error from server (Forbidden): pods.metrics.k8s.io is forbidden: User "joe" cannot list resource "pods" in API group "metrics.k8s.io" in the namespace "${namespace}"`,
    );
    await kubectl('-n', namespace, 'create', 'rolebinding', 'joe', '--clusterrole=view', '--user=joe');
    await until('joe sees them', async () => (await asJoe()).includes('busy'));
  });

  test('without the metrics server the original’s error, and figures again soon after it is back', async () => {
    await lab('kill', 'metrics-1');
    expect(await tryCommand('kubectl', 'top', 'nodes')).toBe(
      'Error from server (ServiceUnavailable): the server is currently unable to handle the request (get nodes.metrics.k8s.io)',
    );
    // Nothing else misses it.
    expect(await kubectl('get', 'nodes', '-o', 'name')).toContain('node/worker-1');
    await lab('start', 'metrics-1');
    await until('every node has figures again', async () => (await top('nodes')).size === 3, patienceMs);
  });
});

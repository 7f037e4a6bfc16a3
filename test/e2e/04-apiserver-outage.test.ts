// Acceptance 4: with every apiserver dead the application goes on, and afterwards all resumes by itself.
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { deployEcho, e2eSkipReason, kubectl, lab, nodeAddress, Probe, podsOf, startElected, until } from './lab.ts';

const namespace = 'e2e-outage';
/** Several times what the fast profile gives a lease or a node before it is missed. */
const outageMs = 30_000;

describe.skipIf(e2eSkipReason !== undefined)(`apiserver outage (${e2eSkipReason ?? 'as root'})`, () => {
  beforeAll(() => kubectl('create', 'namespace', namespace));
  afterAll(async () => {
    await startElected();
    await kubectl('delete', 'namespace', namespace);
  });

  test('30 s without apiservers: every probe is answered, no pod restarts, everything resumes', async () => {
    const app = await deployEcho(namespace, 'web', 2);
    const url = `http://${await nodeAddress('worker-1')}:${app.nodePort}/`;
    await until('the node port answers', async () => (await fetch(url)).ok);
    const before = await podsOf(namespace, 'app=web');

    const probe = new Probe(url, 100);
    await lab('kill', 'apiserver-1');
    await lab('kill', 'apiserver-2');
    await sleep(outageMs);
    await lab('start', 'apiserver-1');
    await lab('start', 'apiserver-2');
    await until('the API is ready', async () => (await kubectl('get', '--raw', '/readyz')) === 'ok', 30_000);
    await until('all nodes are Ready', async () => {
      const text = await kubectl('get', 'nodes', '--no-headers');
      return !/NotReady/.test(text) || text;
    });
    await kubectl('-n', namespace, 'scale', 'deployment/web', '--replicas=3');
    await kubectl('-n', namespace, 'rollout', 'status', 'deployment/web', '--timeout=60s');
    await probe.stop();

    expect(probe.failures).toEqual([]);
    expect(probe.answers).toBeGreaterThan(outageMs / 1000);
    const after = await podsOf(namespace, 'app=web');
    for (const pod of before) expect(after.find((other) => other.uid === pod.uid)).toMatchObject({ restarts: 0, ready: true });
    expect(after).toHaveLength(3);
  });
});

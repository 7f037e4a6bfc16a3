// Acceptance 2: the application answers by name, by cluster IP, to itself and through a node port.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { deployEcho, e2eSkipReason, kubectl, kubectlJson, nodeAddress, podsOf, until } from './lab.ts';

const namespace = 'e2e-network';

describe.skipIf(e2eSkipReason !== undefined)(`network (${e2eSkipReason ?? 'as root'})`, () => {
  let app: { nodePort: number; clusterIP: string };
  let clients: { name: string; node: string }[] = [];

  beforeAll(async () => {
    await kubectl('create', 'namespace', namespace);
    app = await deployEcho(namespace, 'web', 2);
    const { items } = await kubectlJson<{ items: { metadata: { name: string } }[] }>('get', 'nodes');
    clients = items.map((node) => ({ name: `client-${node.metadata.name}`, node: node.metadata.name }));
    for (const client of clients) {
      const overrides = JSON.stringify({ apiVersion: 'v1', spec: { nodeName: client.node } });
      const command = ['run', client.name, '--image=busybox', '--image-pull-policy=Never', `--overrides=${overrides}`];
      await kubectl('-n', namespace, ...command, '--', 'sleep', '3600');
    }
    for (const client of clients) {
      await kubectl('-n', namespace, 'wait', '--for=condition=Ready', `pod/${client.name}`, '--timeout=60s');
    }
  });
  afterAll(() => kubectl('delete', 'namespace', namespace));

  const fetchFrom = (pod: string, url: string) => kubectl('-n', namespace, 'exec', pod, '--', 'wget', '-q', '-O-', url);

  test('a pod on every worker reaches the Service by its DNS names and its cluster IP', async () => {
    const names = (await podsOf(namespace, 'app=web')).map((pod) => pod.name);
    for (const client of clients) {
      for (const host of ['web', `web.${namespace}`, `web.${namespace}.svc.cluster.local`, app.clusterIP]) {
        let answer = '';
        await until(
          `${client.name} reaches ${host}`,
          async () => {
            answer = await fetchFrom(client.name, `http://${host}/`);
            return true;
          },
          15_000,
        );
        expect(
          names.some((name) => answer.includes(name)),
          `${host} answered ${answer}`,
        ).toBe(true);
      }
    }
  });

  test('every pod behind the Service answers, also to itself', async () => {
    await kubectl(
      '-n',
      namespace,
      'run',
      'self',
      '--image=busybox',
      '--image-pull-policy=Never',
      '--labels=app=self',
      '--',
      'sh',
      '-c',
      'mkdir /www && hostname > /www/index.html && exec httpd -f -p 8080 -h /www',
    );
    await kubectl('-n', namespace, 'expose', 'pod', 'self', '--name=mirror', '--port=80', '--target-port=8080');
    await kubectl('-n', namespace, 'wait', '--for=condition=Ready', 'pod/self', '--timeout=60s');
    await until(
      'the pod reaches itself through its Service',
      async () => (await fetchFrom('self', 'http://mirror/')).trim() === 'self',
      15_000,
    );
  });

  test('both pods are reached in turn', async () => {
    const names = (await podsOf(namespace, 'app=web')).map((pod) => pod.name);
    const seen = new Set<string>();
    await until('both pods answered', async () => {
      const answer = await fetchFrom(clients[0]?.name ?? '', `http://${app.clusterIP}/`);
      for (const name of names) if (answer.includes(name)) seen.add(name);
      return seen.size === 2 || [...seen].join();
    });
  });

  test('the node port answers from the host on every worker', async () => {
    for (const client of clients) {
      const address = await nodeAddress(client.node);
      const response = await fetch(`http://${address}:${app.nodePort}/`, { signal: AbortSignal.timeout(5_000) });
      expect(response.status).toBe(200);
    }
  });

  test('pods reach the apiserver through the kubernetes Service', async () => {
    const command = 'nc -w 3 kubernetes.default 443 </dev/null && echo open';
    expect(await kubectl('-n', namespace, 'exec', clients[0]?.name ?? '', '--', 'sh', '-c', command)).toBe('open');
  });

  test('names that do not exist are not found, services resolve by address too', async () => {
    const client = clients[0]?.name ?? '';
    const missing = await kubectl(
      '-n',
      namespace,
      'exec',
      client,
      '--',
      'sh',
      '-c',
      'nslookup nothing.default.svc.cluster.local || true',
    );
    expect(missing).toMatch(/NXDOMAIN|can't find/);
  });
});

// Services of type LoadBalancer: an address of the lab's range that the host and pods reach, that moves when the node that carries it is
// lost, and that is given back.
import { Resolver } from 'node:dns/promises';
import { execa } from '@drydock/foundation/child-process.ts';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  deployEcho,
  e2eSkipReason,
  kubectl,
  kubectlJson,
  lab,
  labEnvironment,
  labName,
  nodeAddress,
  Probe,
  podsOf,
  until,
} from './lab.ts';

const namespace = 'e2e-balancers';
/** How long an address may take to come, and to lead somewhere. */
const soonMs = 30_000;
const router = `dd-${labName}-apiserver-lb`;

async function addressOf(name: string): Promise<string> {
  return await kubectl('-n', namespace, 'get', 'service', name, '-o', 'jsonpath={.status.loadBalancer.ingress[0].ip}');
}

async function given(name: string): Promise<string> {
  let address = '';
  await until(
    `${name} has an address`,
    async () => {
      address = await addressOf(name);
      return address !== '';
    },
    soonMs,
  );
  return address;
}

/** Makes a Service of type LoadBalancer for the echo pods and gives its address. */
async function balance(name: string, spec: object = {}): Promise<string> {
  const ports = [{ port: 80, targetPort: 8080 }];
  await apply({
    kind: 'Service',
    spec: { type: 'LoadBalancer', selector: { app: 'web' }, ports, ...spec },
    metadata: { name },
  });
  return await given(name);
}

async function apply(object: { metadata: object; [field: string]: unknown }): Promise<void> {
  const input = JSON.stringify({ apiVersion: 'v1', ...object });
  await execa('kubectl', ['-n', namespace, 'apply', '-f', '-'], { env: await labEnvironment(), input });
}

/** What answers at the address; each time over a connection of its own. */
async function ask(address: string, port = 80): Promise<string> {
  const request = { signal: AbortSignal.timeout(2_000), headers: { connection: 'close' } };
  const response = await fetch(`http://${address}:${port}/`, request);
  expect(response.status).toBe(200);
  return await response.text();
}

async function answers(address: string): Promise<void> {
  await until(`${address} answers`, async () => (await ask(address)).includes('web-'), soonMs);
}

/** Why nothing answers. */
function refusal(address: string, port = 80): Promise<string> {
  return ask(address, port).then(
    (text) => `answered: ${text}`,
    (error: Error & { cause?: { code?: string } }) => error.cause?.code ?? error.name,
  );
}

/** Waits until that is why nothing answers. */
async function refused(what: string, why: string, address: string, port = 80): Promise<void> {
  await until(
    what,
    async () => {
      const found = await refusal(address, port);
      return found === why || found;
    },
    soonMs,
  );
}

/** The addresses of nodes that the balancer's routes of one address lead to. */
async function carriers(address: string): Promise<string[]> {
  const { stdout } = await execa('ip', ['-n', router, '-j', 'route', 'show', 'proto', '109']);
  return (JSON.parse(stdout || '[]') as { dst: string; gateway: string }[]).flatMap(({ dst, gateway }) =>
    dst === address ? [gateway] : [],
  );
}

describe.skipIf(e2eSkipReason !== undefined)(`load balancers (${e2eSkipReason ?? 'as root'})`, () => {
  const nodes = new Map<string, string>();

  beforeAll(async () => {
    await kubectl('create', 'namespace', namespace);
    await deployEcho(namespace, 'web', 2);
    await kubectl('-n', namespace, 'run', 'client', '--image=busybox', '--image-pull-policy=Never', '--', 'sleep', '3600');
    await kubectl('-n', namespace, 'wait', '--for=condition=Ready', 'pod/client', '--timeout=60s');
    const { items } = await kubectlJson<{ items: { metadata: { name: string } }[] }>('get', 'nodes');
    for (const { metadata } of items) nodes.set(await nodeAddress(metadata.name), metadata.name);
  });
  afterAll(async () => {
    // It would take all of its time to end.
    await kubectl('-n', namespace, 'delete', 'pod', 'client', '--now');
    await kubectl('delete', 'namespace', namespace);
  });

  test('an address comes at once, and the host, pods and other members reach the Service by it; other ports are closed', async () => {
    const address = await balance('front');
    expect(await kubectl('-n', namespace, 'get', 'service', 'front')).toContain(address);
    await answers(address);
    const fromPod = ['-n', namespace, 'exec', 'client', '--', 'wget', '-q', '-O-', `http://${address}/`];
    expect(await kubectl(...fromPod)).toContain('web-');
    const member = `/var/run/netns/dd-${labName}-etcd-1`;
    const { stdout } = await execa('nsenter', [`--net=${member}`, '--', 'curl', '-sS', '-m', '5', `http://${address}/`]);
    expect(stdout).toContain('web-');
    expect(await refusal(address, 81)).toBe('TimeoutError');
    expect(await kubectl('-n', namespace, 'describe', 'service', 'front')).toMatch(/NodeAssigned.*leads to node worker-\d/);
  });

  test('a proxy that is killed does not carry it any more, and no request fails; nor does a node that is cut off', async () => {
    const address = await balance('moving');
    await answers(address);
    const carrier = async () => nodes.get((await carriers(address))[0] ?? '') ?? 'none';
    const first = await carrier();
    const proxy = first.replace('worker-', 'kube-proxy-w');
    const probe = new Probe(`http://${address}/`, 50);
    await lab('kill', proxy);
    await until(`it leaves ${first}`, async () => (await carrier()) !== first, soonMs);
    await probe.stop();
    expect({ failures: probe.failures, answers: probe.answers > 5 }).toEqual({ failures: [], answers: true });
    await lab('start', proxy);

    const second = await carrier();
    await lab('partition', `${second} | control-plane`);
    try {
      await until(`it leaves ${second}`, async () => (await carrier()) !== second, soonMs);
    } finally {
      await lab('heal');
    }
    await answers(address);
  });

  test('with the policy Local only nodes with a pod carry it, and while no pod is ready nobody answers', async () => {
    await kubectl('-n', namespace, 'create', 'deployment', 'one', '--image=drydock/echo:1', '--port=8080');
    await kubectl('-n', namespace, 'rollout', 'status', 'deployment/one', '--timeout=60s');
    const address = await balance('local', { selector: { app: 'one' }, externalTrafficPolicy: 'Local' });
    await until('the node with the pod carries it', async () => {
      const [pod] = await podsOf(namespace, 'app=one');
      return (await carriers(address)).map((each) => nodes.get(each)).join() === pod?.node;
    });
    await until('it answers', async () => (await ask(address)).includes('one-'), soonMs);
    await kubectl('-n', namespace, 'scale', 'deployment/one', '--replicas=0');
    await until('the pod is gone', async () => (await podsOf(namespace, 'app=one')).length === 0, soonMs);
    await refused('it is refused', 'ECONNREFUSED', address);
    // Refused by the node's rules, not by a pod that was about to end.
    expect(await refusal(address)).toBe('ECONNREFUSED');
  });

  test('source ranges, a wanted address, another’s class', async () => {
    const range = await addressOf('front');
    const wanted = range.replace(/\d+$/, '200');
    const address = await balance('wanted', { loadBalancerIP: wanted, loadBalancerSourceRanges: ['192.0.2.0/24'] });
    expect(address).toBe(wanted);
    await refused('the host is no source', 'TimeoutError', address);
    const { stdout } = await execa('ip', ['-j', 'route', 'get', address]);
    const [{ prefsrc }] = JSON.parse(stdout) as [{ prefsrc: string }];
    const ranges = { spec: { loadBalancerSourceRanges: [`${prefsrc}/32`] } };
    await kubectl('-n', namespace, 'patch', 'service', 'wanted', '--type=merge', '-p', JSON.stringify(ranges));
    await answers(address);
    const spec = { type: 'LoadBalancer', loadBalancerClass: 'example.com/other', ports: [{ port: 80 }] };
    await apply({ kind: 'Service', metadata: { name: 'classed' }, spec });
    expect(await kubectl('-n', namespace, 'get', 'service', 'classed')).toContain('<pending>');
  });

  test('one port in two protocols, to endpoints outside the cluster', async () => {
    const slice = ['-n', 'kube-system', 'get', 'endpointslice', 'kube-dns-lab', '-o', 'jsonpath={.endpoints[0].addresses[0]}'];
    const server = await kubectl(...slice);
    const ports = ['UDP', 'TCP'].map((protocol) => ({ name: protocol.toLowerCase(), port: 53, protocol }));
    await apply({
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata: { name: 'names-by-hand', labels: { 'kubernetes.io/service-name': 'names' } },
      addressType: 'IPv4',
      ports,
      endpoints: [{ addresses: [server] }],
    });
    await apply({ kind: 'Service', metadata: { name: 'names' }, spec: { type: 'LoadBalancer', ports } });
    const address = await given('names');
    const resolver = new Resolver({ timeout: 1_000, tries: 1 });
    resolver.setServers([address]);
    const name = `web.${namespace}.svc.cluster.local`;
    const clusterIP = await kubectl('-n', namespace, 'get', 'service', 'web', '-o', 'jsonpath={.spec.clusterIP}');
    await until('UDP', async () => (await resolver.resolve4(name)).join() === clusterIP, soonMs);
    const reachable = ['-n', namespace, 'exec', 'client', '--', 'sh', '-c', `nc -w 3 ${address} 53 </dev/null && echo open`];
    expect(await kubectl(...reachable)).toBe('open');
  });

  test('externalIPs that are addresses of workers answer there, and not any more without them', async () => {
    const [first = '', second = ''] = [...nodes.keys()];
    // As the notes have it: a port of its own at workers' addresses, with any type of Service.
    const ports = [{ port: 3000, targetPort: 8080 }];
    await apply({
      kind: 'Service',
      metadata: { name: 'outside' },
      spec: { selector: { app: 'web' }, ports, externalIPs: [first] },
    });
    await until('it answers', async () => (await ask(first, 3000)).includes('web-'), soonMs);
    const edited = JSON.stringify({ spec: { type: 'NodePort', externalTrafficPolicy: 'Cluster', externalIPs: [second] } });
    await kubectl('-n', namespace, 'patch', 'service', 'outside', '-p', edited);
    await until('it answers at the other', async () => (await ask(second, 3000)).includes('web-'), soonMs);
    await refused('it is refused at the first', 'ECONNREFUSED', first, 3000);
    expect(await kubectl('-n', namespace, 'get', 'service', 'outside')).toContain(second);
  });

  test('what is deleted leads nowhere, and its address is given out again', async () => {
    const address = await addressOf('front');
    await kubectl('-n', namespace, 'delete', 'service', 'front');
    await until('no route is left', async () => (await carriers(address)).length === 0, soonMs);
    expect(await refusal(address)).toBe('EHOSTUNREACH');
    expect(await balance('next')).toBe(address);
    await answers(address);
  });
});

// Where connections get to in a kernel with the proxy's rules.
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { nftSink } from './nft.ts';
import { planRules, tableName } from './plan.ts';
import { rebuild } from './rule-set.ts';
import type { ServicePort } from './service-port.ts';
import { kernel } from './testing/kernel.ts';
import type { Question } from './testing/traffic.ts';

const world = kernel('traffic');
const sink = nftSink(world?.enter);
const endpoints = ['10.244.1.1', '10.244.1.2', '10.244.1.3', '10.244.1.4'];
const node = '192.168.0.1';
/** Elsewhere, as far as rules can tell: addresses of this namespace that connections may come from. */
const [near, far] = ['5.0.0.1', '9.9.9.9'];
const balancer = '6.7.8.9';

const port: ServicePort = {
  namespace: 'ns',
  name: 'a',
  portName: 'http',
  protocol: 'tcp',
  port: 80,
  clusterIP: '10.96.0.1',
  nodePort: 30_001,
  externalIPs: ['1.2.3.4'],
  loadBalancerIPs: [balancer],
  sourceRanges: [],
  internalLocal: false,
  externalLocal: false,
  healthCheckPort: 0,
  affinitySeconds: 0,
  endpoints: endpoints.map((ip) => ({ ip, port: 8080, ready: true, serving: true, terminating: false, local: true })),
};

async function rules(change: Partial<ServicePort>, nodeIP = node): Promise<void> {
  const options = { local: undefined, nodePortIPs: [node], nodeIP, masqueradeAll: false, masqueradeBit: 14 };
  await sink.apply(rebuild(tableName, planRules([{ ...port, ...change }], options)));
}

const script = fileURLToPath(new URL('./testing/traffic.ts', import.meta.url));
function ask(...questions: Question[]): string[] {
  const text = JSON.stringify([endpoints, questions]);
  return JSON.parse(world?.run(process.execPath, '--disable-warning=ExperimentalWarning', script, text) ?? '[]') as string[];
}
/** So many that none of four endpoints is missed by chance. */
const times = 64;
const many = (question: Question) => Array.from({ length: times }, () => question);

describe.skipIf(world === undefined)('connections (needs root, nft, conntrack and ip)', () => {
  beforeAll(() => {
    for (const address of [...endpoints, node, near, far]) world?.run('ip', 'address', 'add', `${address}/32`, 'dev', 'lo');
    world?.run('ip', 'route', 'add', 'default', 'dev', 'lo');
  });
  afterAll(() => world?.remove());

  test('the cluster IP, external addresses, the load balancer’s, and node ports lead to all endpoints', async () => {
    await rules({});
    const at = [port.clusterIP, '1.2.3.4', balancer].map((to) => ({ to, port: 80 }));
    const asked = [...at, { to: node, port: port.nodePort }].flatMap(many);
    const answers = ask(...asked, { to: near, port: port.nodePort });
    for (let first = 0; first < asked.length; first += times)
      expect([...new Set(answers.slice(first, first + times))].sort(), asked[first]?.to).toEqual(endpoints);
    expect(answers.at(-1)).toBe('ECONNREFUSED');
  });

  test('who has an endpoint keeps it, and gets another one only after the time of the affinity', async () => {
    await rules({ affinitySeconds: 1 });
    const to = port.clusterIP;
    const [first, ...more] = ask(...many({ to, port: 80, from: near }));
    expect(endpoints).toContain(first);
    expect(new Set(more)).toEqual(new Set([first]));
    // One of four is hit again by chance, so that it may take some times.
    await expect.poll(() => ask({ to, port: 80, from: near })[0], { interval: 1_100, timeout: 30_000 }).not.toBe(first);
  }, 40_000);

  test('source ranges are those of the load balancer’s address alone, and the node in one is let through as that address', async () => {
    world?.run('ip', 'address', 'add', `${balancer}/32`, 'dev', 'lo');
    const asked = (from: string, to = balancer) => ({ to, port: 80, from });
    const all = [asked(near), asked(far), asked(balancer), asked(far, port.clusterIP)];
    const seen = () => ask(...all).map((answer) => (endpoints.includes(answer) ? 'reached' : answer));
    await rules({ sourceRanges: ['5.0.0.0/8'] });
    expect(seen()).toEqual(['reached', 'dropped', 'dropped', 'reached']);
    await rules({ sourceRanges: ['5.0.0.0/8'] }, near);
    expect(seen()).toEqual(['reached', 'dropped', 'reached', 'reached']);
  });
});

import type { EndpointSlice, Service } from '@drydock/api/generated/types.ts';
import { expect, test } from 'vitest';
import { inCidr } from './local-traffic.ts';
import { planRules } from './plan.ts';
import { transaction } from './rule-set.ts';
import { servicePorts } from './service-port.ts';

const options = {
  local: inCidr('10.244.0.0/16'),
  nodePortIPs: ['192.168.0.1'],
  nodeIP: undefined,
  masqueradeAll: false,
  masqueradeBit: 14,
};

function service(spec: Service['spec'], extra: Partial<Service> = {}): Service {
  const defaults = { clusterIP: '10.96.0.5', clusterIPs: ['10.96.0.5'], type: 'ClusterIP' };
  return {
    metadata: { namespace: 'ns', name: 'svc' },
    spec: { ...defaults, ports: [{ port: 80, protocol: 'TCP' }], ...spec },
    ...extra,
  };
}

interface End {
  readonly ip: string;
  readonly ready?: boolean;
  readonly serving?: boolean;
  readonly terminating?: boolean;
  readonly node?: string;
}

function slice(ends: readonly End[], protocol = 'TCP'): EndpointSlice {
  return {
    metadata: { namespace: 'ns', labels: { 'kubernetes.io/service-name': 'svc' } },
    addressType: 'IPv4',
    ports: [{ port: 8080, protocol }],
    endpoints: ends.map(({ ip, node, ...conditions }) => ({ addresses: [ip], conditions, nodeName: node })),
  };
}

const portsOf = (svc: Service, ends: readonly End[], protocol?: string) =>
  servicePorts([svc], () => [slice(ends, protocol)], 'me');
const rulesOf = (svc: Service, ends: readonly End[]) => planRules(portsOf(svc, ends), options);

/** Where the traffic to an address ends: the endpoints, or the verdict. */
function backends(svc: Service, ends: readonly End[], map: 'service-ips' | 'service-nodeports', key: string): string {
  const rules = rulesOf(svc, ends);
  const refused = rules.lookups
    .get(map === 'service-ips' ? 'no-endpoint-services' : 'no-endpoint-nodeports')
    ?.elements?.get(key);
  const walk = (chain: string): string[] =>
    (rules.chains.get(chain)?.rules ?? []).flatMap((rule) => {
      const to = /dnat to (\S+)/.exec(rule)?.[1];
      if (to !== undefined) return [to];
      if (/^(?:ip saddr|fib)/.test(rule)) return [];
      return [...rule.matchAll(/goto (\S+?)(?=[, ]|$)/g)].flatMap((match) => walk(match[1] ?? ''));
    });
  const first = rules.lookups.get(map)?.elements?.get(key)?.replace('goto ', '');
  const found = first === undefined ? [] : walk(first);
  return [...found, ...(refused === undefined ? [] : [refused])].join(' ');
}

const ip = '10.96.0.5 . tcp . 80';
const one = { ip: '10.244.1.1' };
const here = { ip: '10.244.1.2', node: 'me' };
const ending = { ip: '10.244.1.3', ready: false, serving: true, terminating: true };

test.each([
  ['ready endpoints', {}, [one, here], '10.244.1.1:8080 10.244.1.2:8080'],
  ['not ready ones are left out', {}, [one, { ...here, ready: false }], '10.244.1.1:8080'],
  ['terminating ones serve only where none is ready', {}, [one, ending], '10.244.1.1:8080'],
  ['terminating fall-back', {}, [ending, { ...one, ready: false }], '10.244.1.3:8080'],
  ['nobody: reject', {}, [], 'goto reject-chain'],
  ['internalTrafficPolicy Local', { internalTrafficPolicy: 'Local' }, [one, here], '10.244.1.2:8080'],
  ['Local without a local endpoint: drop', { internalTrafficPolicy: 'Local' }, [one], 'drop'],
  ['Local without any endpoint: reject', { internalTrafficPolicy: 'Local' }, [], 'goto reject-chain'],
])('cluster IP: %s', (_name, spec, ends, expected) => {
  expect(backends(service(spec), ends, 'service-ips', ip)).toBe(expected);
});

const nodePort = { type: 'NodePort', ports: [{ port: 80, protocol: 'TCP', nodePort: 30080 }] };

test.each([
  ['all endpoints', nodePort, [one, here], '10.244.1.1:8080 10.244.1.2:8080'],
  ['externalTrafficPolicy Local', { ...nodePort, externalTrafficPolicy: 'Local' }, [one, here], '10.244.1.2:8080'],
  ['Local without a local endpoint: drop', { ...nodePort, externalTrafficPolicy: 'Local' }, [one], 'drop'],
  ['nobody: reject', nodePort, [], 'goto reject-chain'],
])('node port: %s', (_name, spec, ends, expected) => {
  expect(backends(service(spec), ends, 'service-nodeports', 'tcp . 30080')).toBe(expected);
});

test('external and load balancer addresses lead to the endpoints, masqueraded; source ranges are kept', () => {
  const svc = service(
    { ...nodePort, type: 'LoadBalancer', externalIPs: ['1.2.3.4'], loadBalancerSourceRanges: ['5.0.0.0/8'] },
    { status: { loadBalancer: { ingress: [{ ip: '6.7.8.9' }, { ip: '6.6.6.6', ipMode: 'Proxy' }] } } },
  );
  for (const address of ['1.2.3.4', '6.7.8.9'])
    expect(backends(svc, [one], 'service-ips', `${address} . tcp . 80`)).toBe('10.244.1.1:8080');
  const rules = rulesOf(svc, [one]);
  expect(rules.lookups.get('service-ips')?.elements?.has('6.6.6.6 . tcp . 80')).toBe(false);
  expect([...(rules.lookups.get('firewall-ips')?.elements?.keys() ?? [])]).toEqual(['6.7.8.9 . tcp . 80']);
  const sources = (nodeIP: string | undefined) =>
    [...planRules(portsOf(svc, [one]), { ...options, nodeIP }).chains.values()]
      .flatMap((chain) => chain.rules)
      .filter((rule) => rule.endsWith('drop'));
  expect(sources('9.9.9.9')).toEqual(['ip saddr != { 5.0.0.0/8 } drop']);
  expect(sources(undefined)).toEqual(['ip saddr != { 5.0.0.0/8 } drop']);
  // A node in a range may also come as the address itself.
  expect(sources('5.1.1.1')).toEqual(['ip saddr != { 5.0.0.0/8, 6.7.8.9 } drop']);
});

test.each([
  ['headless', service({ clusterIP: 'None', clusterIPs: ['None'] })],
  ['ExternalName', service({ type: 'ExternalName', clusterIP: '', clusterIPs: [], externalName: 'x' })],
  ['another proxy', service({}, { metadata: { name: 'svc', labels: { 'service.kubernetes.io/service-proxy-name': 'x' } } })],
])('not proxied: %s', (_name, svc) => {
  expect(portsOf(svc, [one])).toEqual([]);
});

test('what is no address, range or port of IPv4 stands in no rule, whoever wrote it; leading zeros say nothing', () => {
  const odd = [
    '10.1',
    '0xa.0.0.1',
    '1.2.3.4\nflush ruleset',
    '1.2.3.4 . tcp . 9 : drop }; flush ruleset',
    '256.1.1.1',
    '',
    '::1',
  ];
  const svc = service(
    {
      type: 'LoadBalancer',
      externalIPs: [...odd, '010.0.0.2'],
      loadBalancerSourceRanges: [...odd.map((ip) => `${ip}/8`), '5.0.0.0/33', '5.0.0.0/8/8', ' 010.0.0.0/8 '],
      sessionAffinity: 'ClientIP',
      sessionAffinityConfig: { clientIP: { timeoutSeconds: -5 } },
    },
    { status: { loadBalancer: { ingress: [...odd, '6.7.8.9'].map((ip) => ({ ip })) } } },
  );
  const slices = [0, -1, 65_536].map((port) => ({ ...slice([one]), ports: [{ port, protocol: 'TCP' }] }));
  const ports = servicePorts([svc], () => [...slices, slice([...odd.map((ip) => ({ ip })), one])], 'me');
  const rules = planRules(ports, options);
  expect([...(rules.lookups.get('service-ips')?.elements?.keys() ?? [])]).toEqual([
    ip,
    '10.0.0.2 . tcp . 80',
    '6.7.8.9 . tcp . 80',
  ]);
  const lines = transaction('t', { maps: new Map(), sets: new Map(), chains: new Map() }, rules);
  expect(lines.filter((line) => line.includes('dnat to'))).toHaveLength(1);
  expect(lines.filter((line) => line.includes('} drop'))).toEqual([expect.stringContaining('ip saddr != { 10.0.0.0/8 } drop')]);
  expect(lines.filter((line) => line.includes('timeout'))).toEqual([
    expect.stringContaining('flags dynamic,timeout'),
    expect.stringContaining('timeout 1s }'),
  ]);
  expect(lines.filter((line) => line.includes('\n') || /flush ruleset|0xa|256/.test(line))).toEqual([]);
});

test('planning again gives an empty transaction, and one endpoint more touches only what it must', () => {
  const before = rulesOf(service({}), [one]);
  expect(transaction('t', before, rulesOf(service({}), [one]))).toEqual([]);
  const lines = transaction('t', before, rulesOf(service({}), [one, here]));
  expect(lines.map((line) => line.replace(/[A-Z2-7]{8}-/g, 'HASH-'))).toMatchInlineSnapshot(`
    [
      "add table ip t",
      "add chain ip t endpoint-HASH-ns/svc/tcp/__10.244.1.2/8080",
      "flush chain ip t service-HASH-ns/svc/tcp/",
      "add rule ip t endpoint-HASH-ns/svc/tcp/__10.244.1.2/8080 ip saddr 10.244.1.2 jump mark-for-masquerade",
      "add rule ip t endpoint-HASH-ns/svc/tcp/__10.244.1.2/8080 meta l4proto tcp dnat to 10.244.1.2:8080",
      "add rule ip t service-HASH-ns/svc/tcp/ ip daddr 10.96.0.5 tcp dport 80 ip saddr != 10.244.0.0/16 jump mark-for-masquerade",
      "add rule ip t service-HASH-ns/svc/tcp/ numgen random mod 2 vmap { 0 : goto endpoint-HASH-ns/svc/tcp/__10.244.1.1/8080, 1 : goto endpoint-HASH-ns/svc/tcp/__10.244.1.2/8080 }",
    ]
  `);
});

test('a service that goes takes its chains along, after everything that refers to them', () => {
  const before = rulesOf(service({ sessionAffinity: 'ClientIP' }), [one]);
  const verbs = transaction('t', before, planRules([], options)).map((line) => line.split(' ').slice(0, 2).join(' '));
  expect(verbs).toEqual([
    'add table',
    'delete element',
    'delete element',
    'flush chain',
    'flush chain',
    'delete chain',
    'delete chain',
    'delete set',
  ]);
});

test('after a start everything is filled anew in one transaction, session affinity is kept, strangers are removed', () => {
  const rules = rulesOf(service({ sessionAffinity: 'ClientIP' }), [one]);
  const sets = [...rules.lookups].filter(([, { kind }]) => kind === 'set').map(([name]) => name);
  const maps = [...rules.lookups].filter(([, { kind }]) => kind === 'map').map(([name]) => name);
  const lines = transaction(
    't',
    { maps: new Set(maps), sets: new Set([...sets, 'old-set']), chains: new Set([...rules.chains.keys(), 'old-chain']) },
    rules,
  );
  expect(lines.filter((line) => line.startsWith('flush set') && line.includes('affinity'))).toEqual([]);
  expect(lines.filter((line) => line.startsWith('flush map'))).toHaveLength(maps.length);
  expect(lines.slice(-2)).toEqual(['delete chain ip t old-chain', 'delete set ip t old-set']);
  expect(lines.filter((line) => line.startsWith('delete table'))).toEqual([]);
});

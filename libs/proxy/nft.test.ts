// The rules in a kernel: transactions are accepted, and a table of an earlier process is taken over.

import process from 'node:process';
import { spawnSync } from '@drydock/foundation/child-process.ts';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { nftSink, ToolError } from './nft.ts';
import { planRules } from './plan.ts';
import { transaction } from './rule-set.ts';
import type { ServicePort } from './service-port.ts';

const namespace = `dd-nft-${process.pid}`;
const sink = nftSink(['nsenter', `--net=/var/run/netns/${namespace}`]);
const possible =
  process.getuid?.() === 0 &&
  spawnSync('nft', ['--version']).status === 0 &&
  spawnSync('ip', ['netns', 'add', namespace]).status === 0;
const options = { clusterCIDR: '10.244.0.0/16', nodePortIPs: ['192.168.0.1'], masqueradeAll: false, masqueradeBit: 14 };
const endpoint = (ip: string) => ({ ip, port: 8080, ready: true, serving: true, terminating: false, local: true });
const port = (name: string, count: number): ServicePort => ({
  namespace: 'ns',
  name,
  portName: 'http',
  protocol: 'tcp',
  port: 80,
  clusterIP: `10.96.0.${name.length}`,
  nodePort: 30_000 + name.length,
  externalIPs: ['1.2.3.4'],
  loadBalancerIPs: [`6.7.8.${name.length}`],
  sourceRanges: ['5.0.0.0/8'],
  internalLocal: true,
  externalLocal: true,
  affinitySeconds: 60,
  endpoints: Array.from({ length: count }, (_, index) => endpoint(`10.244.1.${index + 1}`)),
});
const rules = (...ports: ServicePort[]) => planRules(ports, options);
const ruleset = () =>
  spawnSync('nsenter', [`--net=/var/run/netns/${namespace}`, 'nft', 'list', 'table', 'ip', 'kube-proxy'], { encoding: 'utf8' })
    .stdout;

describe.skipIf(!possible)('in a kernel (needs root, nft and ip)', () => {
  beforeAll(async () =>
    sink.apply(transaction('kube-proxy', await sink.names('kube-proxy'), rules(port('a', 2), port('bb', 0)))),
  );
  afterAll(() => {
    spawnSync('ip', ['netns', 'del', namespace]);
  });

  test('every kind of rule is accepted', () => {
    expect(ruleset()).toContain('dnat to 10.244.1.2:8080');
    expect(ruleset()).toContain('30001 : goto external-');
    expect(ruleset()).toContain('10.96.0.2 . tcp . 80 : goto reject-chain');
  });

  test('changes one by one and a takeover after a restart lead to the same table', async () => {
    const steps = [
      rules(port('a', 2), port('bb', 0)),
      rules(port('a', 1), port('bb', 3), port('ccc', 1)),
      rules(port('bb', 1)),
    ];
    for (const [index, after] of steps.entries()) {
      const before = steps[index - 1];
      if (before !== undefined) await sink.apply(transaction('kube-proxy', before, after));
    }
    const stepwise = ruleset();
    const last = rules(port('bb', 1));
    await sink.apply(transaction('kube-proxy', await sink.names('kube-proxy'), last));
    const lines = (text: string) =>
      text
        .split('\n')
        .map((line) => line.trim())
        .sort();
    expect(lines(ruleset())).toEqual(lines(stepwise));
    expect(stepwise).not.toContain('ns/a/');
  });

  test('a transaction with one bad line changes nothing, and says what is wrong', async () => {
    const before = ruleset();
    await expect(
      sink.apply(['delete chain ip kube-proxy reject-chain', 'add rule ip kube-proxy nowhere reject']),
    ).rejects.toThrow(ToolError);
    expect(ruleset()).toBe(before);
  });
});

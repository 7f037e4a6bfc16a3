// The rules in a kernel: transactions are accepted, and a table of an earlier process is taken over.

import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { spawn } from '@drydock/foundation/child-process.ts';
import { SystemClock } from '@drydock/foundation/system-clock.ts';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { inCidr } from './local-traffic.ts';
import { nftSink, ToolError } from './nft.ts';
import { planRules, tableName } from './plan.ts';
import { type RuleSet, rebuild, transaction } from './rule-set.ts';
import type { ServicePort } from './service-port.ts';
import { filledLookups, firstDifference } from './table-contents.ts';
import { kernel } from './testing/kernel.ts';
import { manyRules } from './testing/many-rules.ts';

const world = kernel('nft');
const sink = nftSink(world?.enter);
const options = {
  local: inCidr('10.244.0.0/16'),
  nodePortIPs: ['192.168.0.1'],
  nodeIP: undefined,
  masqueradeAll: false,
  masqueradeBit: 14,
};
const endpoint = (ip: string) => ({ ip, port: 8080, ready: true, serving: true, terminating: false, local: true });
const port = (name: string, count: number, affinitySeconds = 60): ServicePort => ({
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
  healthCheckPort: 0,
  affinitySeconds,
  endpoints: Array.from({ length: count }, (_, index) => endpoint(`10.244.1.${index + 1}`)),
});
const rules = (...ports: ServicePort[]) => planRules(ports, options);
const ruleset = () => world?.run('nft', 'list', 'table', 'ip', tableName) ?? '';
const lines = (text: string) =>
  text
    .split('\n')
    .map((line) => line.trim())
    .sort();
const takeOver = async (...ports: ServicePort[]) =>
  sink.apply(transaction(tableName, await sink.contents(tableName, []), rules(...ports)));

describe.skipIf(world === undefined)('in a kernel (needs root, nft, conntrack and ip)', () => {
  beforeAll(() => takeOver(port('a', 2), port('bb', 0)));
  afterAll(() => world?.remove());

  test('every kind of rule is accepted', () => {
    expect(ruleset()).toContain('dnat to 10.244.1.2:8080');
    expect(ruleset()).toContain('30001 : goto external-');
    expect(ruleset()).toContain('10.96.0.2 . tcp . 80 : goto reject-chain');
  });

  test('a port that no service has at its address is refused, not waited for', () => {
    world?.run('ip', 'link', 'add', 'out', 'type', 'veth', 'peer', 'name', 'away');
    world?.run('ip', 'address', 'add', '192.168.7.1/24', 'dev', 'out');
    for (const end of ['out', 'away']) world?.run('ip', 'link', 'set', end, 'up');
    world?.run('ip', 'route', 'add', 'default', 'via', '192.168.7.2');
    const script = `require('node:net').connect(81, '10.96.0.1').on('error', ({ code }) => console.log(code));
      setTimeout(() => process.exit(), 10_000).unref();`;
    expect(world?.run(process.execPath, '-e', script)).toBe('ECONNREFUSED\n');
  });

  test('changes one by one and a takeover after a restart lead to the same table', async () => {
    const steps = [
      rules(port('a', 2), port('bb', 0)),
      rules(port('a', 1), port('bb', 3), port('ccc', 1)),
      rules(port('bb', 1)),
    ];
    for (const [index, after] of steps.entries()) {
      const before = steps[index - 1];
      if (before !== undefined) await sink.apply(transaction(tableName, before, after));
    }
    const stepwise = ruleset();
    await takeOver(port('bb', 1));
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

  test('a table of which something was taken away differs from what it should be', async () => {
    const wanted = rules(port('a', 2), port('bb', 0));
    const differs = async () => firstDifference(await sink.contents(tableName, filledLookups(wanted)), wanted);
    const wounds = [
      ['nft', 'flush', 'ruleset'],
      ['nft', 'flush', 'chain', 'ip', tableName, 'nat-output'],
      ['nft', 'flush', 'map', 'ip', tableName, 'service-ips'],
      ['nft', 'add', 'chain', 'ip', tableName, 'stranger'],
    ];
    for (const wound of wounds) {
      await takeOver(port('a', 2), port('bb', 0));
      expect(await differs()).toBeUndefined();
      world?.run(...wound);
      expect(await differs(), wound.join(' ')).toBeDefined();
    }
    await takeOver(port('a', 2), port('bb', 0));
    expect(await differs()).toBeUndefined();
  }, 60_000);

  test('a changed affinity timeout is in force, and who has an endpoint keeps it', async () => {
    await takeOver(port('a', 1, 60));
    const set = /set (affinity-\S+)/.exec(ruleset())?.[1] ?? '';
    world?.run('nft', 'add', 'element', 'ip', tableName, set, '{ 10.9.9.9 timeout 50s }');
    await sink.apply(transaction(tableName, rules(port('a', 1, 60)), rules(port('a', 1, 7))));
    expect(ruleset()).toMatch(/update @affinity-\S+ \{ ip saddr timeout 7s \}/);
    expect(world?.run('nft', 'list', 'set', 'ip', tableName, set)).toContain('10.9.9.9');
  });

  test('a table that cannot be taken over is replaced in one transaction', async () => {
    world?.run('nft', 'delete', 'table', 'ip', tableName);
    world?.run('nft', 'add', 'table', 'ip', tableName);
    world?.run('nft', 'add', 'map', 'ip', tableName, 'service-ips', '{ type ipv4_addr : verdict ; }');
    world?.run('nft', 'add', 'chain', 'ip', tableName, 'nat-output', '{ type nat hook output priority 7 ; }');
    await expect(takeOver(port('a', 2))).rejects.toThrow(ToolError);
    await sink.apply(rebuild(tableName, rules(port('a', 2))));
    const rebuilt = ruleset();
    await takeOver(port('a', 2));
    expect(lines(ruleset())).toEqual(lines(rebuilt));
  });

  const clock = new SystemClock();
  /** What is in the table after a writer of `manyRules` was killed: the old rules, the new ones, or a part. */
  async function afterKill(afterMs: number, env: Record<string, string>): Promise<string> {
    const [old, wanted] = [rules(port('a', 1)), manyRules()];
    await sink.apply(rebuild(tableName, old));
    const writer = fileURLToPath(new URL('./testing/killed-writer.ts', import.meta.url));
    const child = spawn(process.execPath, [writer, ...(world?.enter ?? [])], { stdio: ['ignore', 'pipe', 'inherit'], env });
    const ended = new Promise((resolve) => child.once('close', resolve));
    await new Promise((resolve) => child.stdout.once('data', resolve));
    await clock.sleep(afterMs);
    child.kill('SIGKILL');
    await ended;
    while (world?.pids() !== '') await clock.sleep(5);
    const is = async (set: RuleSet) => firstDifference(await sink.contents(tableName, filledLookups(set)), set) === undefined;
    return (await is(old)) ? 'old' : (await is(wanted)) ? 'new' : 'part';
  }

  test('a writer that is killed at any moment leaves the old table or the new one, never a part', async () => {
    for (const afterMs of [1, 10]) expect(await afterKill(afterMs, {})).toMatch(/old|new/);
    // The planted fault: the same lines through a pipe.
    expect(await afterKill(0, { PIPE: '1' })).toBe('part');
  }, 60_000);
});

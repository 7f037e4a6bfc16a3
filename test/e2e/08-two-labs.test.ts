// Two checkouts on one machine, labs of one name and of names that begin alike: none touches what is another's.
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from '@drydock/foundation/child-process.ts';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { e2eSkipReason, lab, labName, repository } from './lab.ts';

const forwarding = '/proc/sys/net/ipv4/ip_forward';
const beside = `${labName}-b`;
const smallest = ['--etcd=1', '--apiservers=1', '--schedulers=0', '--controller-managers=0', '--workers=0', '--dns=0'];

describe.skipIf(e2eSkipReason !== undefined)(`two checkouts (${e2eSkipReason ?? 'as root'})`, () => {
  const other = mkdtempSync(join(tmpdir(), 'drydock-checkout-'));
  const inOther = (...args: string[]) =>
    execa(join(other, 'drydock'), args, { all: true, reject: false, stdin: 'ignore', timeout: 120_000 });
  const namespaces = () => readdirSync('/var/run/netns').filter((name) => name.startsWith('dd-e2e'));
  const own = () => namespaces().filter((name) => !name.startsWith(`dd-${beside}-`));

  beforeAll(() => {
    for (const name of ['drydock', 'apps', 'package.json', 'package-lock.json'])
      cpSync(join(repository, name), join(other, name), { recursive: true, preserveTimestamps: true });
    for (const name of ['node_modules', 'libs']) symlinkSync(join(repository, name), join(other, name));
  });
  afterAll(async () => {
    await inOther('down', '--name', beside);
    rmSync(other, { recursive: true, force: true });
  });

  test('the name of a lab in another checkout is refused by down and up, with its folder', async () => {
    const before = own();
    for (const verb of ['down', 'up', 'status', 'kill']) {
      const result = await inOther(verb, '--name', labName, ...(verb === 'kill' ? ['--all'] : []));
      expect(result.exitCode, `${verb}: ${result.all}`).toBe(1);
      expect(result.all).toContain(join(repository, '.drydock', labName));
    }
    expect(existsSync(join(other, '.drydock'))).toBe(false);
    expect(own()).toEqual(before);
    expect(await lab('status')).not.toMatch(/dead/);
  });

  test('a second lab finds free ranges; its down leaves the first lab, and forwarding, as they were', async () => {
    const before = own();
    const up = await inOther('up', '--name', beside, ...smallest);
    expect(up.exitCode, up.all).toBe(0);
    expect(up.all).toContain('10.250.1.');
    expect(namespaces().length).toBeGreaterThan(before.length);
    const down = await inOther('down', '--name', beside);
    expect(down.exitCode, down.all).toBe(0);
    expect(namespaces()).toEqual(before);
    expect(readFileSync(forwarding, 'utf8').trim()).toBe('1');
    expect(await lab('kubectl', 'get', 'nodes')).toMatch(/worker-1\s+Ready/);
  });
});

// Acceptance 10: what goes wrong says so, exits non-zero, and leaves a state from which `up` or `down` works.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from '@drydock/foundation/child-process.ts';
import { afterAll, describe, expect, test } from 'vitest';
import { drydock, e2eSkipReason, lab, labFlags, repository, until } from './lab.ts';

const scratch = mkdtempSync(join(tmpdir(), 'drydock-bad-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

function labFile(text: string): string {
  const file = join(scratch, `lab-${Math.random()}.yaml`);
  writeFileSync(file, text);
  return file;
}

describe.skipIf(e2eSkipReason !== undefined)(`bad input (${e2eSkipReason ?? 'as root'})`, () => {
  test.each([
    ['an unknown verb', ['frobnicate'], /frobnicate/],
    ['an unknown flag', ['up', '--wrong'], /--wrong/],
    ['a number that is none', ['up', '--name', 'bad', '--workers', 'many'], /workers/],
    ['an even store', ['up', '--name', 'bad', '--etcd', '0'], /etcd/],
    ['an unknown component', ['run', 'kube-nothing'], /kube-nothing/],
    ['an unknown flag of a component', ['run', 'kube-scheduler', '--nothing'], /unknown flag: --nothing/],
    ['an unknown flag of etcd', ['run', 'etcd', '--nothing'], /flag provided but not defined: -nothing/],
    ['an unknown process', ['kill', ...labFlags, 'apiserver-9'], /apiserver-9/],
    ['a lab that is not up', ['kill', '--name', 'nosuch', 'etcd-1'], /nosuch/],
    ['a lab file that is not there', ['up', '--name', 'bad', '--config', '/nonexistent.yaml'], /nonexistent\.yaml/],
  ])('%s', async (_, args, message) => {
    const result = await drydock(...args);
    expect(result.exitCode).not.toBe(0);
    expect(result.all).toMatch(message);
    expect(result.all, 'no stack trace').not.toMatch(/^\s+at /m);
  });

  test.each([
    ['a wrong field', 'workerz: 3\n', /workerz/],
    ['a wrong type', 'workers: lots\n', /workers/],
    ['no YAML', 'workers: [\n', /lab-/],
  ])('a lab file with %s', async (_, text, message) => {
    const result = await drydock('up', '--name', 'bad', '--config', labFile(text));
    expect(result.exitCode).not.toBe(0);
    expect(result.all).toMatch(message);
  });

  test('up while the lab is up changes nothing and succeeds', async () => {
    const before = await lab('status');
    await lab('up', '--profile', 'fast');
    const pids = (text: string) =>
      [...text.matchAll(/\b(etcd-\d|apiserver-\d)\D+(\d+)/g)].map((match) => match.slice(1).join());
    expect(pids(await lab('status'))).toEqual(pids(before));
  });

  test('a taken port is named', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(24_000, '127.0.0.1', resolve));
    try {
      const result = await drydock(
        'up',
        '--name',
        'taken',
        '--network=loopback',
        '--engine=hollow',
        '--port-base',
        '24000',
        '--workers',
        '1',
      );
      expect(result.exitCode).not.toBe(0);
      expect(result.all).toContain('24000');
      expect((await drydock('down', '--name', 'taken')).exitCode).toBe(0);
    } finally {
      server.close();
    }
  });

  test('a full disk is named before anything starts', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'drydock-full-'));
    await execa('mount', ['-t', 'tmpfs', '-o', 'size=8m', 'tmpfs', folder]);
    try {
      const flags = ['--name', 'full', '--dir', join(folder, 'lab')];
      const up = await drydock('up', ...flags, '--network=loopback', '--engine=hollow', '--port-base', '27000');
      expect(up.exitCode).not.toBe(0);
      expect(up.all).toMatch(/drydock-full-.*MiB free/);
      expect((await drydock('down', ...flags)).exitCode).toBe(0);
    } finally {
      await execa('umount', [folder]);
      rmSync(folder, { recursive: true });
    }
  });

  test('Ctrl-C in the middle of up; then down works', async () => {
    const flags = ['--name', 'ctrlc', '--network=loopback', '--engine=hollow', '--port-base', '25000'];
    const up = execa(join(repository, 'drydock'), ['up', ...flags], { all: true, reject: false, stdin: 'ignore' });
    let output = '';
    up.all?.on('data', (chunk) => {
      output += chunk;
    });
    await until('up has begun to start processes', async () => /etcd-1/.test(output) || output, 30_000);
    up.kill('SIGINT');
    const result = await up;
    expect(result.exitCode).not.toBe(0);
    const down = await drydock('down', '--name', 'ctrlc');
    expect(down.exitCode, down.all).toBe(0);
  });
});

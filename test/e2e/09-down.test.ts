// Acceptance 9: `down` leaves nothing behind, twice is fine, and a second `up` works.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { execa } from '@drydock/foundation/child-process.ts';
import { describe, expect, test } from 'vitest';
import { drydock, e2eSkipReason, kubectl, lab, labFlags, labFolderExists, labName } from './lab.ts';

/** What of the lab can be seen from outside it. */
async function traces(): Promise<string[]> {
  const found: string[] = [];
  const mark = new RegExp(`drydock/${labName}|dd-${labName}`);
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    const command = readOrEmpty(`/proc/${pid}/cmdline`).replaceAll('\0', ' ');
    if (mark.test(command) && !command.includes('vitest')) found.push(`process ${pid}: ${command}`);
    if (mark.test(readOrEmpty(`/proc/${pid}/cgroup`))) found.push(`process ${pid} in a cgroup of the lab`);
  }
  for (const line of readOrEmpty('/proc/mounts').split('\n')) if (mark.test(line)) found.push(`mount ${line}`);
  const commands: [string, string[]][] = [
    ['ip', ['netns', 'list']],
    ['ip', ['-o', 'link']],
    ['ip', ['route']],
    ['nft', ['list', 'tables']],
    ['sh', ['-c', 'find /sys/fs/cgroup -type d 2>/dev/null']],
  ];
  for (const [program, args] of commands) {
    const { stdout } = await execa(program, args, { reject: false });
    for (const line of stdout.split('\n')) if (mark.test(line)) found.push(`${program} ${args[0]}: ${line}`);
  }
  if (labFolderExists()) found.push('folder of the lab');
  for (const folder of ['/run/drydock', '/run/drydock/.labs'])
    for (const name of existsSync(folder) ? readdirSync(folder) : [])
      if (name.startsWith(`${labName}-`)) found.push(`${folder}/${name}`);
  return found;
}

function readOrEmpty(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

describe.skipIf(e2eSkipReason !== undefined)(`down (${e2eSkipReason ?? 'as root'})`, () => {
  test('the search for traces finds a running lab', async () => {
    expect((await traces()).length).toBeGreaterThan(10);
  });

  test('down leaves nothing, gives back what the host had, and a second down is fine', async () => {
    const before = JSON.parse(readFileSync('/run/drydock/.host.json', 'utf8')).ipForward;
    await lab('down');
    // The file goes with the last lab that has namespaces.
    const forwarding = readFileSync('/proc/sys/net/ipv4/ip_forward', 'utf8').trim();
    expect(forwarding).toBe(existsSync('/run/drydock/.host.json') ? '1' : before);
    expect(await traces()).toEqual([]);
    expect((await drydock('down', ...labFlags)).exitCode).toBe(0);
  });

  test('a second up works', async () => {
    await lab('up', '--profile', 'fast');
    expect(await kubectl('get', 'nodes', '--no-headers')).toMatch(/worker-1\s+Ready/);
  });
});

// Real processes on a real disk, killed with SIGKILL all at once in the middle of writing: what any of them had applied is there again.

import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ChildProcess, fork } from '@drydock/foundation/child-process.ts';
import { afterEach, expect, test, vi } from 'vitest';
import { freePorts } from '../testing/free-ports.ts';
import type { Report } from './testing/process-member.ts';

const script = new URL('./testing/process-member.ts', import.meta.url).pathname;
const waiting = { timeout: 20_000, interval: 10 };
const count = 3;

interface Member {
  readonly process: ChildProcess;
  readonly applied: string[];
  leader: string;
}

let members: Member[] = [];
let root = '';

afterEach(async () => {
  await killAll();
  if (root !== '') await rm(root, { recursive: true });
});

async function killAll(): Promise<void> {
  await Promise.all(
    members.map(async ({ process: child }) => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const exited = once(child, 'exit');
      child.kill('SIGKILL');
      await exited;
    }),
  );
}

function startAll(ports: readonly number[]): Member[] {
  return ports.map((_, i) => {
    const child = fork(script, [String(i + 1), ports.join(), join(root, String(i + 1))], { execArgv: [] });
    const member: Member = { process: child, applied: [], leader: '0' };
    child.on('message', (report: Report) => {
      if ('applied' in report) member.applied.push(...report.applied);
      else member.leader = report.leader;
    });
    return member;
  });
}

test('SIGKILL of every member loses nothing that was applied', async () => {
  root = await mkdtemp(join(tmpdir(), 'drydock-kill-'));
  const ports = await freePorts(count);
  const acknowledged = new Set<string>();
  for (let life = 0; life < 3; life++) {
    members = startAll(ports);
    await vi.waitFor(() => expect(members.map(({ leader }) => leader)).not.toContain('0'), waiting);
    const goal = acknowledged.size + 200;
    await vi.waitFor(() => {
      // Proposals go to members at random; some are lost with a leader, as is their right.
      for (const [i, member] of members.entries())
        member.process.send(`life ${life} member ${i} ${members.map((m) => m.applied.length)}`);
      for (const { applied } of members) for (const text of applied) acknowledged.add(text);
      expect(acknowledged.size).toBeGreaterThan(goal);
    }, waiting);
    await killAll();
  }
  members = startAll(ports);
  for (const member of members) member.process.send('the end');
  await vi.waitFor(() => {
    for (const { applied } of members) {
      const found = new Set(applied);
      expect([...acknowledged].filter((text) => !found.has(text))).toEqual([]);
    }
  }, waiting);
  const shortest = Math.min(...members.map(({ applied }) => applied.length));
  const [first] = members;
  for (const { applied } of members) expect(applied.slice(0, shortest)).toEqual(first?.applied.slice(0, shortest));
}, 60_000);

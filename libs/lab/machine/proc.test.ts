import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { spawn } from '@drydock/foundation/child-process.ts';
import { afterAll, expect, test } from 'vitest';
import { LabError } from '../errors.ts';
import { identify, processesWithEnv, signalRecorded, viewProcess, viewRecorded } from './proc.ts';
import { lockLab, readState } from './state-file.ts';

const folder = mkdtempSync(join(tmpdir(), 'lab-state-'));
afterAll(() => rmSync(folder, { recursive: true }));
const linux = process.platform === 'linux';

test.skipIf(!linux)('a process is itself only with its start time: a recycled pid is never signalled', async () => {
  const child = spawn('sleep', ['60'], { env: { LAB_TEST: folder } });
  const ended = new Promise((resolve) => child.once('exit', resolve));
  const id = identify(child.pid ?? 0);
  if (id === undefined) throw new Error('no process');
  await expect.poll(() => processesWithEnv('LAB_TEST', folder)).toEqual([child.pid]);
  expect(viewRecorded(id)?.state).toBe('running');
  expect(signalRecorded({ ...id, startTime: id.startTime - 1 }, 'SIGKILL')).toBe(false);
  expect(signalRecorded(id, 'SIGSTOP')).toBe(true);
  await expect.poll(() => viewProcess(id.pid)?.state).toBe('stopped');
  expect(signalRecorded(id, 'SIGKILL')).toBe(true);
  await ended;
  expect(viewRecorded(id)).toBeUndefined();
  expect(signalRecorded(id, 'SIGKILL')).toBe(false);
});

test.skipIf(!linux)('one command at a time; a lock whose owner has died is taken over', () => {
  const unlock = lockLab(folder, 'up');
  expect(() => lockLab(folder, 'down')).toThrow(/`drydock up` is at work on this lab \(pid \d+\)/);
  unlock();
  unlock();
  writeFileSync(join(folder, 'lock'), JSON.stringify({ pid: process.pid, startTime: 1, verb: 'up' }));
  lockLab(folder, 'down')();
  expect(readdirSync(folder)).toEqual([]);
});

test('a damaged state file is named, a missing one is no lab', () => {
  expect(readState(folder)).toBeUndefined();
  writeFileSync(join(folder, 'state.json'), '{"version":');
  expect(() => readState(folder)).toThrow(LabError);
  expect(() => readState(folder)).toThrow(/state\.json is not a lab's state/);
});

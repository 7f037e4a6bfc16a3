// The pause program is machine code: it is run, as process 1 of a namespace where that is possible.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { spawn, spawnSync } from '@drydock/foundation/child-process.ts';
import { afterAll, expect, test } from 'vitest';
import { pauseProgram } from './pause.ts';

const folder = mkdtempSync(join(tmpdir(), 'pause-'));
afterAll(() => rmSync(folder, { recursive: true }));
const file = join(folder, 'pause');
const program = pauseProgram(process.arch);
const runnable = process.platform === 'linux' && program !== undefined;
const asInit = runnable && spawnSync('unshare', ['--pid', '--fork', 'true']).status === 0;
if (program !== undefined) writeFileSync(file, program, { mode: 0o755 });

const exit = (child: ReturnType<typeof spawn>) =>
  new Promise<number | null>((resolve) => child.once('exit', (code) => resolve(code)));

test.skipIf(!runnable)('it sleeps until SIGTERM or SIGINT and ends well', async () => {
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    const child = spawn(file);
    const done = exit(child);
    await new Promise((resolve) => child.once('spawn', resolve));
    // Other signals that it does not wait for would end it at once; SIGCHLD must not.
    child.kill('SIGCHLD');
    await expect.poll(() => waits(child.pid ?? 0)).toBe(true);
    child.kill(signal);
    expect(await done).toBe(0);
  }
});

test.skipIf(!asInit)('as process 1 it takes SIGTERM, which the kernel would otherwise keep from it', async () => {
  const parent = spawn('unshare', ['--pid', '--fork', file]);
  const done = exit(parent);
  const init = () => Number(readFileSync(`/proc/${parent.pid}/task/${parent.pid}/children`, 'utf8').trim());
  await expect.poll(() => init() > 0 && waits(init())).toBe(true);
  process.kill(init(), 'SIGTERM');
  expect(await done).toBe(0);
});

/** Whether the program sleeps in rt_sigtimedwait. */
function waits(pid: number): boolean {
  return readFileSync(`/proc/${pid}/syscall`, 'utf8').startsWith('128 ');
}

test('other processors get the shell version', () => {
  expect(pauseProgram('arm64')).toBeUndefined();
});

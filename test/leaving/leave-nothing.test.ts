// A run that is ended by a signal leaves no process, no mount and no folder.
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from '@drydock/foundation/child-process.ts';
import { mountPointsBelow } from '@drydock/foundation/mount-table.ts';
import { expect, test } from 'vitest';

const repository = fileURLToPath(new URL('../..', import.meta.url));
const linux = process.platform === 'linux';

const alive = (pid: number) => {
  try {
    return !/^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
};

test.skipIf(!linux).each(['SIGTERM', 'SIGINT'] as const)('after %s', { timeout: 180_000 }, async (signal) => {
  const scratch = mkdtempSync(join(tmpdir(), 'leaving-'));
  const report = join(scratch, 'report.json');
  const run = execa('vitest', ['run', '--config', 'test/leaving/vitest.config.ts'], {
    cwd: repository,
    env: { PATH: `${join(repository, 'node_modules/.bin')}:${process.env.PATH}`, DRYDOCK_TEST_REPORT: report },
    reject: false,
    all: true,
    stdin: 'ignore',
  });
  try {
    await expect.poll(() => existsSync(report), { timeout: 150_000 }).toBe(true);
    const left = JSON.parse(readFileSync(report, 'utf8')) as { pid: number; folder: string; mount: string };
    expect(alive(left.pid)).toBe(true);
    expect(mountPointsBelow(left.folder)).toEqual(left.mount === '' ? [] : [left.mount]);
    run.kill(signal);
    const { exitCode, signal: ended } = await run;
    expect(exitCode === 0 && ended === undefined).toBe(false);
    await expect.poll(() => alive(left.pid)).toBe(false);
    expect(mountPointsBelow(left.folder)).toEqual([]);
    expect(existsSync(left.folder)).toBe(false);
  } finally {
    run.kill('SIGKILL');
    rmSync(scratch, { recursive: true, force: true });
  }
});

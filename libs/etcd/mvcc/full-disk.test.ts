// A file system that another process fills and frees at random while a member commits: the member is told so by its own writes, every
// time. lmdb, where it finds out itself, damages the process.

import { mkdtempSync, rmdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { execFile } from '@drydock/foundation/child-process.ts';
import { expect, test } from 'vitest';

/** `FULL_DISK_ROUNDS=100` for a long look. */
const rounds = Number(process.env.FULL_DISK_ROUNDS ?? 3);
const driver = fileURLToPath(new URL('testing/full-disk-driver.ts', import.meta.url));
const backend = process.env.FULL_DISK_BACKEND ?? fileURLToPath(new URL('lmdb-backend.ts', import.meta.url));

test.skipIf(process.getuid?.() !== 0)(
  'a disk that is filled at any moment refuses a commit, and harms nothing (as root)',
  { timeout: rounds * 60_000 },
  async () => {
    const folder = mkdtempSync(join(tmpdir(), 'full-disk-'));
    const command = ['--mount', '--propagation', 'private', process.execPath, driver, backend, folder, `${rounds}`];
    const { stdout } = await promisify(execFile)('unshare', command);
    rmdirSync(folder);
    const [worst, ...results] = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { end: unknown; commits: number; found: { commits: number; whole: boolean } });
    // Full from the moment in which the backend has looked to the end of each commit: what it needs was its own before.
    expect(worst, stdout).toMatchObject({ end: 'done', found: { commits: worst?.commits, whole: true } });
    expect(results).toHaveLength(rounds);
    for (const { end, commits, found } of results) {
      expect(end, stdout).toBe('refused');
      expect(found.whole, stdout).toBe(true);
      expect(found.commits, stdout).toBeGreaterThanOrEqual(commits > 1 ? commits : 0);
    }
    expect(results[0]?.commits).toBeGreaterThan(1);
  },
);

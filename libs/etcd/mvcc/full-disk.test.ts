// A file system that another process fills and frees at random while a member commits: the member is told so by its own writes, every
// time. lmdb, where it finds out itself, damages the process.
import { execFileSync, fork } from 'node:child_process';
import { closeSync, ftruncateSync, mkdirSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { SeededRandom } from '@drydock/foundation/random.ts';
import { expect, test } from 'vitest';
import { openLmdbBackend } from './lmdb-backend.ts';

const rounds = Number(process.env.FULL_DISK_ROUNDS ?? 4);
const program = fileURLToPath(new URL('testing/full-disk-process.ts', import.meta.url));
const module = process.env.FULL_DISK_BACKEND ?? fileURLToPath(new URL('lmdb-backend.ts', import.meta.url));
const refused = 3;

/** Runs `body` with a file system of `megabytes`, which nobody else writes to. */
async function withSmallDisk(megabytes: number, body: (folder: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'full-disk-'));
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'tmpfs', folder]);
  try {
    await body(folder);
  } finally {
    execFileSync('umount', ['-l', folder]);
    rmSync(folder, { recursive: true });
  }
}

/** Takes all that is free, gives a little back, and takes it again, until it is stopped. */
function fill(file: string, random: { int(bound: number): number }): () => void {
  const fd = openSync(file, 'w');
  const piece = Buffer.alloc(64 << 10, 1);
  let size = 0;
  let timer: NodeJS.Immediate;
  const turn = (): void => {
    try {
      for (let i = random.int(40); i > 0; i--) size += writeSync(fd, piece, 0, 1 + random.int(piece.length), size);
    } catch {
      size = Math.max(0, size - random.int(1 << 20));
      ftruncateSync(fd, size);
    }
    timer = setImmediate(turn);
  };
  turn();
  return () => {
    clearImmediate(timer);
    closeSync(fd);
    rmSync(file);
  };
}

/** `begun` is called when the backend is open. */
async function commitUntilRefused(
  folder: string,
  seed: string,
  begun: () => void,
): Promise<{ commits: number; code: number | string }> {
  let commits = 0;
  const child = fork(program, [module, folder, seed], { execArgv: [], stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
  child.once('message', begun);
  child.on('message', (count) => {
    commits = Number(count);
  });
  const code = await new Promise<number | string>((resolve) =>
    child.on('exit', (status, signal) => resolve(signal ?? status ?? -1)),
  );
  return { commits, code };
}

test.skipIf(process.getuid?.() !== 0)(
  'a disk that is filled at any moment refuses a commit, and harms nothing (as root)',
  { timeout: 300_000 },
  async () => {
    await withSmallDisk(24, async (disk) => {
      const folder = join(disk, 'db');
      mkdirSync(folder);
      let last = 0;
      for (let round = 0; round < rounds; round++) {
        let stop = (): void => {};
        const begun = (): void => {
          stop = fill(join(disk, 'ballast'), new SeededRandom(round).stream('fill'));
        };
        // Every third time there is nothing left when it is opened.
        if (round % 3 === 2) begun();
        const { commits, code } = await commitUntilRefused(folder, `${round}`, round % 3 === 2 ? () => {} : begun);
        stop();
        expect(code, `round ${round}, after ${commits} commits`).toBe(refused);
        if (commits === 0) continue;
        expect(commits).toBeGreaterThanOrEqual(last);
        last = commits;
        const backend = openLmdbBackend(folder);
        const marks = [...backend.records('meta')].filter(({ key }) => key.toString() === 'commits');
        expect(Number(marks[0]?.value.readBigUInt64BE() ?? 0)).toBeGreaterThanOrEqual(commits > 1 ? commits : 0);
        for (const { key, value } of backend.revisions(0, Number.MAX_SAFE_INTEGER - 1)) {
          const main = Number(key.readBigUInt64BE());
          expect(value.equals(Buffer.alloc(value.length, `${main} `))).toBe(true);
        }
        await backend.close();
      }
      expect(last).toBeGreaterThan(1);
    });
  },
);

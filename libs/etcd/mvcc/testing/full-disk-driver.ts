// A small file system that is filled and freed at random while a backend on it commits. `node full-disk-driver.ts BACKEND-MODULE FOLDER
// ROUNDS`, in a mount namespace of its own, which ends with it. Prints a line for each round: how the committing process ended, after
// how many commits, how many were there afterwards, and whether all that was there was whole.

import { closeSync, ftruncateSync, mkdirSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { execFileSync, fork } from '@drydock/foundation/child-process.ts';
import { SeededRandom } from '@drydock/foundation/random.ts';
import { openLmdbBackend } from '../lmdb-backend.ts';

const [module = '', disk = '', rounds = '1'] = process.argv.slice(2);
const program = fileURLToPath(new URL('full-disk-process.ts', import.meta.url));
const megabytes = 24;

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

interface Ended {
  readonly commits: number;
  /** What it said last, or the signal or status that it ended with before it said so. */
  readonly end: number | string;
}

/** `begun` is called when the backend is open. */
function commitToTheEnd(folder: string, seed: string, begun: () => void, ballast?: string): Promise<Ended> {
  const child = fork(program, [module, folder, seed, ...(ballast === undefined ? [] : [ballast])], {
    execArgv: [],
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  child.once('message', begun);
  let commits = 0;
  let said: string | undefined;
  child.on('message', (message) => {
    if (typeof message === 'number') {
      commits = message;
      return;
    }
    said = String(message);
    child.kill('SIGKILL');
  });
  return new Promise((resolve) => {
    child.on('exit', (status, signal) => resolve({ commits, end: said ?? signal ?? status ?? -1 }));
  });
}

function found(folder: string): { readonly commits: number; readonly whole: boolean } {
  const backend = openLmdbBackend(folder);
  const mark = [...backend.records('meta')].find(({ key }) => key.toString() === 'commits');
  let whole = true;
  for (const { key, value } of backend.revisions(0, Number.MAX_SAFE_INTEGER - 1)) {
    whole &&= value.equals(Buffer.alloc(value.length, `${Number(key.readBigUInt64BE())} `));
  }
  return { commits: Number(mark?.value.readBigUInt64BE() ?? 0), whole };
}

execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'tmpfs', disk]);
const folder = join(disk, 'db');
mkdirSync(folder);
const worst = await commitToTheEnd(folder, 'worst', () => {}, join(disk, 'ballast'));
rmSync(join(disk, 'ballast'), { force: true });
process.stdout.write(`${JSON.stringify({ ...worst, found: found(folder) })}\n`);
for (let round = 0; round < Number(rounds); round++) {
  let stop = (): void => {};
  const begin = (): void => {
    stop = fill(join(disk, 'ballast'), new SeededRandom(round).stream('fill'));
  };
  // Every third time there is nothing left when it is opened.
  const atOpen = round % 3 === 2;
  if (atOpen) begin();
  const ended = await commitToTheEnd(folder, `${round}`, atOpen ? () => {} : begin);
  stop();
  process.stdout.write(`${JSON.stringify({ ...ended, found: found(folder) })}\n`);
}
process.exit();

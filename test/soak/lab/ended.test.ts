// A soak that is ended, however, takes its lab along.
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { execa } from '@drydock/foundation/child-process.ts';
import { expect, test } from 'vitest';

const script = fileURLToPath(new URL('main.ts', import.meta.url));
const linux = process.platform === 'linux';
/** Of a machine that does much else. */
const patienceMs = 300_000;
const portBase = '27000';

/** Processes that the soak has started, and theirs: all have its mark, which is a folder below its temporary one. */
function started(folder: string): string[] {
  return readdirSync('/proc').flatMap((name) => {
    try {
      const marked = readFileSync(`/proc/${name}/environ`, 'latin1').includes(`DRYDOCK_TEST_RUN=${folder}/`);
      return marked ? [readFileSync(`/proc/${name}/cmdline`, 'utf8').replaceAll('\0', ' ')] : [];
    } catch {
      return [];
    }
  });
}

interface Ended {
  /** What it is doing then. */
  readonly when: (output: string, folder: string) => boolean;
  /** What becomes of the one who reads what it says. */
  readonly readerGoes?: boolean;
}

const moments: Record<string, Ended> = {
  'in the middle of up': { when: (_, folder) => started(folder).some((command) => command.includes('/etcd/main.ts')) },
  'at work': { when: (output) => output.includes('MB in all') },
  'at work, with a reader who goes too': { when: (output) => output.includes('MB in all'), readerGoes: true },
};

test.skipIf(!linux).each(Object.entries(moments))('%s', { timeout: patienceMs }, async (_, { when, readerGoes = false }) => {
  const folder = mkdtempSync(join(tmpdir(), 'soaked-'));
  const soak = execa(process.execPath, [script, '--minutes=60', `--port-base=${portBase}`], {
    env: { TMPDIR: folder },
    reject: false,
    stdin: 'ignore',
    buffer: false,
  });
  let output = '';
  for (const stream of [soak.stdout, soak.stderr]) {
    stream.on('data', (bytes) => {
      output += bytes;
    });
  }
  let over = false;
  const ended = soak.finally(() => {
    over = true;
  });
  try {
    await expect.poll(() => over || when(output, folder), { timeout: patienceMs / 2, interval: 50 }).toBe(true);
    expect(over, output).toBe(false);
    if (readerGoes) soak.stdout.destroy();
    // As a terminal and npm both pass it on, and a user who does not believe it.
    for (; !over; await sleep(100)) soak.kill('SIGINT');
    const { signal } = await ended;
    expect([signal, started(folder), readdirSync(folder)]).toEqual([undefined, [], []]);
  } finally {
    soak.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  }
});

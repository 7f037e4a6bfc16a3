// A run of the suites leaves nothing, also where it fails, is ended by a signal, or a test runs out of time: everything that it
// starts carries the run's mark in its environment, temporary folders are below one folder, labs have it in their records. A user's own lab, started meanwhile, has not.
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { spawnSync } from '@drydock/foundation/child-process.ts';
import { mountPointsBelow } from '@drydock/foundation/mount-table.ts';
import { listRecords } from '@drydock/lab/machine/registry.ts';
import type { LabRecord } from '@drydock/lab/owner.ts';

/** Passed on by every clean environment. */
export const runVariable = 'DRYDOCK_TEST_RUN';
const repository = fileURLToPath(new URL('..', import.meta.url));

/** What ends by itself within this time was not left. */
const endingMs = 1_000;

export interface Run {
  readonly mark: string;
  readonly folder: string;
}

/** Begins a run: what this process starts from now on is of it. */
export function beginRun(): Run {
  const folder = mkdtempSync(join(tmpdir(), 'dt-'));
  process.env[runVariable] = folder;
  process.env.TMPDIR = folder;
  return { mark: folder, folder };
}

/** Removes what the run has left; synchronous, so that it also serves while the process exits. Returns what there was. */
export function sweep(run: Run, spare: (command: string) => boolean): string[] {
  const found: string[] = [];
  for (const record of labs().filter(({ testRun }) => testRun !== undefined && isOf(testRun, run.mark))) {
    found.push(`lab ${record.name}`);
    spawnSync(join(repository, 'drydock'), ['down', '--name', record.name, '--dir', record.dir], { stdio: 'ignore' });
  }
  waitUntil(() => marked(run.mark).every((entry) => spare(entry.command)), endingMs);
  // Twice: one that is about to end may have started another.
  for (let round = 0; round < 2; round++) {
    for (const { pid, command } of marked(run.mark).filter((entry) => !spare(entry.command))) {
      found.push(`process ${pid}: ${command}`);
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // It has ended by itself.
      }
    }
  }
  for (const mount of mountPointsBelow(run.folder)) {
    found.push(`mount ${mount}`);
    // A lazy unmount takes what lies below along, and with shared propagation also where that came from.
    spawnSync('mount', ['--make-rprivate', mount], { stdio: 'ignore' });
    spawnSync('umount', ['-l', mount], { stdio: 'ignore' });
  }
  if (existsSync(run.folder) && mountPointsBelow(run.folder).length === 0) rmSync(run.folder, { recursive: true, force: true });
  return found;
}

/** Blocks this thread until the condition holds, for so long at most. */
function waitUntil(condition: () => boolean, limitMs: number): void {
  const never = new Int32Array(new SharedArrayBuffer(4));
  for (const end = performance.now() + limitMs; performance.now() < end && !condition(); ) Atomics.wait(never, 0, 0, 50);
}

function labs(): LabRecord[] {
  const user = process.getuid?.() ?? 0;
  const runtime = process.env.XDG_RUNTIME_DIR;
  const own = [...(runtime === undefined ? [] : [join(runtime, 'drydock')]), join(tmpdir(), `drydock-${user}`)];
  return (user === 0 ? ['/run/drydock'] : own).flatMap(listRecords);
}

/** Whether something with the mark `found` is of the run, or of one inside it, whose folder is below. */
function isOf(found: string, mark: string): boolean {
  return found === mark || found.startsWith(`${mark}/`);
}

/** Processes that were started with the mark. */
function marked(mark: string): { pid: number; command: string }[] {
  const prefix = `${runVariable}=`;
  let names: string[];
  try {
    names = readdirSync('/proc').filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid);
  } catch {
    return [];
  }
  return names.flatMap((name) => {
    try {
      const entries = readFileSync(`/proc/${name}/environ`, 'latin1').split('\0');
      if (!entries.some((entry) => entry.startsWith(prefix) && isOf(entry.slice(prefix.length), mark))) return [];
      return [{ pid: Number(name), command: readFileSync(`/proc/${name}/cmdline`, 'utf8').replaceAll('\0', ' ').trim() }];
    } catch {
      return [];
    }
  });
}

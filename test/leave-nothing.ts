// A run of the suites leaves nothing, also where it fails, is ended by a signal, or a test runs out of time: everything that it
// starts carries the run's mark in its environment, temporary folders are below one folder, labs are in the machine's list.
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

export interface Run {
  readonly mark: string;
  readonly folder: string;
  /** Labs that were there before. */
  readonly labs: readonly string[];
}

/** Begins a run: what this process starts from now on is of it. */
export function beginRun(): Run {
  const folder = mkdtempSync(join(tmpdir(), 'dt-'));
  process.env[runVariable] = folder;
  process.env.TMPDIR = folder;
  return { mark: folder, folder, labs: labs().map((record) => record.id) };
}

/** Removes what the run has left; synchronous, so that it also serves while the process exits. Returns what there was. */
export function sweep(run: Run, spare: (command: string) => boolean): string[] {
  const found: string[] = [];
  for (const record of labs().filter(({ id, repo }) => !run.labs.includes(id) && `${repo}/` === repository)) {
    found.push(`lab ${record.name}`);
    spawnSync(join(repository, 'drydock'), ['down', '--name', record.name, '--dir', record.dir], { stdio: 'ignore' });
  }
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
    spawnSync('umount', ['-l', mount], { stdio: 'ignore' });
  }
  if (existsSync(run.folder) && mountPointsBelow(run.folder).length === 0) rmSync(run.folder, { recursive: true, force: true });
  return found;
}

function labs(): LabRecord[] {
  const user = process.getuid?.() ?? 0;
  const runtime = process.env.XDG_RUNTIME_DIR;
  const own = [...(runtime === undefined ? [] : [join(runtime, 'drydock')]), join(tmpdir(), `drydock-${user}`)];
  return (user === 0 ? ['/run/drydock'] : own).flatMap(listRecords);
}

/** Processes that were started with the mark. */
function marked(mark: string): { pid: number; command: string }[] {
  const wanted = `${runVariable}=${mark}`;
  let names: string[];
  try {
    names = readdirSync('/proc').filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid);
  } catch {
    return [];
  }
  return names.flatMap((name) => {
    try {
      if (!readFileSync(`/proc/${name}/environ`, 'latin1').split('\0').includes(wanted)) return [];
      return [{ pid: Number(name), command: readFileSync(`/proc/${name}/cmdline`, 'utf8').replaceAll('\0', ' ').trim() }];
    } catch {
      return [];
    }
  });
}

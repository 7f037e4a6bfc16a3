// Adapter: nginx's processes as the kernel shows them. A master is known by its pid file and by the folder that it was started in, so
// that a number that another process has by now is never signalled.
import { readdirSync, readFileSync, readlinkSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { files } from './options.ts';

/** The master that runs in the folder; undefined where none does. */
export function findMaster(folder: string): number | undefined {
  let text: string;
  try {
    text = readFileSync(join(folder, files.pid), 'utf8');
  } catch {
    return undefined;
  }
  const pid = Number(text.trim());
  return Number.isInteger(pid) && pid > 1 && runsIn(pid, folder) ? pid : undefined;
}

/** The workers of a master that still take connections. */
export function servingWorkers(master: number): number[] {
  return allPids().filter((pid) => takesConnections(pid, master));
}

/** Whether it is a worker of that master which still takes connections. */
export function takesConnections(pid: number, master: number): boolean {
  return parentOf(pid) === master && /worker process$/.test(titleOf(pid));
}

/** nginx's processes in the folder whose master is gone: they serve what it was told last, for ever. Not one that is just starting. */
export function findOrphans(folder: string): number[] {
  const master = findMaster(folder);
  const own = allPids().filter((pid) => pid !== master && runsIn(pid, folder));
  return own.filter((pid) => parentOf(pid) !== master && parentOf(pid) !== process.pid);
}

function allPids(): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
}

/** What a process calls itself: nginx tells there that a worker is leaving. */
function titleOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replace(/\0+$/, '').trim();
  } catch {
    return '';
  }
}

/** Sends a signal, if there is such a process. */
export function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // It has ended.
  }
}

function runsIn(pid: number, folder: string): boolean {
  try {
    return (
      readFileSync(`/proc/${pid}/comm`, 'utf8').trim() === 'nginx' &&
      readlinkSync(`/proc/${pid}/cwd`) === realpathSync(folder) &&
      !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))
    );
  } catch {
    return false;
  }
}

function parentOf(pid: number): number | undefined {
  try {
    return Number(/\) \S+ (\d+)/.exec(readFileSync(`/proc/${pid}/stat`, 'utf8'))?.[1]);
  } catch {
    return undefined;
  }
}

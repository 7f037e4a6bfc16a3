// Adapter: processes as /proc shows them.
import { readdirSync, readFileSync } from 'node:fs';
import process from 'node:process';

/** A process that cannot be confused with a later one that got the same pid: the start time is part of its identity. */
export interface ProcessId {
  readonly pid: number;
  /** Clock ticks since boot, field 22 of /proc/PID/stat; 0 where there is no /proc. */
  readonly startTime: number;
}

export interface ProcessView {
  readonly state: 'running' | 'stopped';
  readonly startTime: number;
  readonly rssBytes: number;
  /** User and system time together. */
  readonly cpuTicks: number;
  /** Process id of the session's leader. */
  readonly session: number;
}

const pageBytes = 4096;

/** What /proc/PID/stat says; undefined where there is no such process, or only its zombie. */
export function viewProcess(pid: number): ProcessView | undefined {
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  } catch {
    return process.platform === 'linux' ? undefined : viewWithoutProc(pid);
  }
  // The name in parentheses may contain anything, so count from behind it.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const state = fields[0] ?? 'X';
  if (state === 'Z' || state === 'X') return undefined;
  return {
    state: state === 'T' || state === 't' ? 'stopped' : 'running',
    startTime: Number(fields[19]),
    rssBytes: Number(fields[21]) * pageBytes,
    cpuTicks: Number(fields[11]) + Number(fields[12]),
    session: Number(fields[3]),
  };
}

/** The process, if it still is the one that was recorded. */
export function viewRecorded(id: ProcessId): ProcessView | undefined {
  const view = viewProcess(id.pid);
  return view?.startTime === id.startTime ? view : undefined;
}

/** What tells this run of the machine from others; empty where it cannot be told. */
export function bootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    return '';
  }
}

/** The identity of a process that runs. Undefined where it has ended. */
export function identify(pid: number): ProcessId | undefined {
  const view = viewProcess(pid);
  return view === undefined ? undefined : { pid, startTime: view.startTime };
}

/** Sends `signal` if the process still is the recorded one; false where it has gone. */
export function signalRecorded(id: ProcessId, signal: NodeJS.Signals): boolean {
  if (viewRecorded(id) === undefined) return false;
  try {
    process.kill(id.pid, signal);
    return true;
  } catch (error) {
    // EPERM: another user's, which whoever waits for its end will report.
    if (['ESRCH', 'EPERM'].includes((error as NodeJS.ErrnoException).code ?? '')) return false;
    throw error;
  }
}

/** Processes in whose environment `name=value` is set: what a lab started, even where the record of it was lost. */
export function processesWithEnv(name: string, value: string): number[] {
  return allPids().filter((pid) => pid !== process.pid && environmentOf(pid, name) === value);
}

/** The value of a variable in the environment that a process was started with. */
export function environmentOf(pid: number, name: string): string | undefined {
  try {
    const entries = readFileSync(`/proc/${pid}/environ`, 'latin1').split('\0');
    return entries.find((entry) => entry.startsWith(`${name}=`))?.slice(name.length + 1);
  } catch {
    return undefined;
  }
}

function allPids(): number[] {
  try {
    return readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .map(Number);
  } catch {
    return [];
  }
}

function viewWithoutProc(pid: number): ProcessView | undefined {
  try {
    process.kill(pid, 0);
    return { state: 'running', startTime: 0, rssBytes: 0, cpuTicks: 0, session: pid };
  } catch {
    return undefined;
  }
}

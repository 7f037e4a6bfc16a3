// Adapter: why a process is dead: what the lab itself did to it, which `kill` notes beside its log, or the end of that log.
import { readFileSync, writeFileSync } from 'node:fs';
import type { LabState } from '../state.ts';
import type { Topology } from '../topology.ts';
import { tailOf } from './log-file.ts';
import { modifiedMs, withoutCri } from './manifest-files.ts';
import type { ProcessId } from './proc.ts';

interface Note {
  readonly signal: string;
  readonly atMs: number;
  readonly startTime: number;
}

const deadly = new Set(['SIGKILL', 'SIGTERM', 'SIGINT', 'SIGQUIT', 'SIGHUP', 'SIGABRT', 'SIGSEGV', 'SIGUSR1', 'SIGUSR2']);
/** The last line of a container's log is written a little after its process wrote it. */
const clockSlackMs = 500;
/** Characters of a log line that are shown. */
const shownLength = 100;

function fileOf(dir: string, name: string, kind: 'log' | 'signal'): string {
  return `${dir}/log/${name}.${kind}`;
}

/** Notes that a signal is about to be sent to these processes; a note that cannot be written is none. */
export function noteSignal(
  topology: Topology,
  state: LabState,
  names: readonly string[],
  signal: NodeJS.Signals,
  atMs: number,
): void {
  if (!deadly.has(signal)) return;
  for (const name of names) {
    const note: Note = { signal, atMs, startTime: state.processes[name]?.startTime ?? 0 };
    try {
      writeFileSync(fileOf(topology.paths.dir, name, 'signal'), JSON.stringify(note));
    } catch {
      // A full disk must not keep anybody from killing.
    }
  }
}

/**
 * Why the process that was recorded so ended, as far as can be told. `nowMs` is wall time; `container` the log of a process that is
 * in a container.
 */
export function lastWords(dir: string, name: string, id: ProcessId, nowMs: number, container?: string): string {
  const note = readNote(fileOf(dir, name, 'signal'));
  // A kubelet begins containers without telling: one whose log has ended before the signal has ended by it.
  const isOfContainer = container !== undefined && note !== undefined && modifiedMs(container) <= note.atMs + clockSlackMs;
  if (note !== undefined && (note.startTime === id.startTime || isOfContainer))
    return `${note.signal} by \`drydock\` ${Math.max(0, Math.round((nowMs - note.atMs) / 1000))} s ago`;
  const [last = ''] = tailOf(container ?? fileOf(dir, name, 'log'), 1, Number.POSITIVE_INFINITY).split('\n');
  const line = container === undefined ? last : withoutCri(last);
  return line === '' ? 'ended, and said nothing' : `last said: ${shorten(messageIn(line))}`;
}

/** The message of a log line, where it is one of JSON. */
function messageIn(line: string): string {
  try {
    const { msg, error, err } = JSON.parse(line) as Record<string, unknown>;
    const cause = typeof error === 'string' ? error : (err as { message?: unknown } | undefined)?.message;
    return typeof msg === 'string' ? `${msg}${typeof cause === 'string' ? `: ${cause}` : ''}` : line;
  } catch {
    return line;
  }
}

/** In one line of a table. */
export function shorten(text: string): string {
  const line = text.replace(/\s+/g, ' ').trim();
  return line.length > shownLength ? `${line.slice(0, shownLength)}...` : line;
}

function readNote(file: string): Note | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Note;
  } catch {
    return undefined;
  }
}

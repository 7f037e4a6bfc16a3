// Adapter: the lab's state file and its lock.
import { closeSync, linkSync, mkdirSync, openSync, readFileSync, renameSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { LabError } from '../errors.ts';
import { type LabState, parseState } from '../state.ts';
import { bootId, identify, type ProcessId, viewRecorded } from './proc.ts';

export function stateFile(dir: string): string {
  return join(dir, 'state.json');
}

/** The recorded state; undefined where there is no lab. Throws LabError where the file is damaged, or cannot be read. */
export function readState(dir: string): LabState | undefined {
  let text: string;
  try {
    text = readFileSync(stateFile(dir), 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw new LabError('config', `cannot read ${stateFile(dir)}: ${code}`);
  }
  try {
    return parseState(text, bootId());
  } catch (error) {
    throw new LabError(
      'config',
      `${stateFile(dir)} is not a lab's state (${(error as Error).message}); \`drydock down\` removes the lab`,
    );
  }
}

/** Replaces the state; a reader, or a crash, sees the old or the new one. */
export function writeState(dir: string, state: LabState): void {
  const file = stateFile(dir);
  writeFileSync(`${file}.tmp`, `${JSON.stringify(state, null, 1)}\n`);
  renameSync(`${file}.tmp`, file);
}

/**
 * Takes the lab's lock for a command that changes it. A lock whose owner has ended is taken over. Throws LabError `busy`
 * with what the owner does. The returned function gives it back and may be called twice.
 */
export function lockLab(dir: string, verb: string): () => void {
  mkdirSync(dir, { recursive: true });
  const file = join(dir, 'lock');
  const mine = `${file}.${process.pid}`;
  const self = identify(process.pid) ?? { pid: process.pid, startTime: 0 };
  const handle = openSync(mine, 'w');
  writeSync(handle, JSON.stringify({ ...self, verb }));
  closeSync(handle);
  try {
    take(file, mine);
  } finally {
    rmSync(mine, { force: true });
  }
  let held = true;
  return () => {
    if (held && ownerIn(readText(file))?.pid === self.pid) rmSync(file, { force: true });
    held = false;
  };
}

/**
 * Makes `file` a link to `mine`, in the place of one whose owner has ended. Who removes that one holds a lock of its own meanwhile,
 * named after the ended owner, and looks once more: another that saw the same owner would else remove its successor's lock.
 */
function take(file: string, mine: string): void {
  for (;;) {
    try {
      // A link appears with its content or not at all.
      linkSync(mine, file);
      return;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
    const seen = readText(file);
    if (seen === undefined) continue;
    const owner = ownerIn(seen);
    if (owner !== undefined && viewRecorded(owner) !== undefined)
      throw new LabError('busy', `\`drydock ${owner.verb}\` is at work on this lab (pid ${owner.pid}); wait for it or stop it`);
    const removal = `${file}.${owner === undefined ? 'damaged' : `${owner.pid}-${owner.startTime}`}`;
    take(removal, mine);
    try {
      if (readText(file) === seen) rmSync(file, { force: true });
    } finally {
      rmSync(removal, { force: true });
    }
  }
}

/** Undefined where there is no such file. */
function readText(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

function ownerIn(text: string | undefined): (ProcessId & { verb: string }) | undefined {
  try {
    const owner = JSON.parse(text ?? '') as (ProcessId & { verb: string }) | null;
    return Number.isInteger(owner?.pid) && Number.isInteger(owner?.startTime) ? (owner ?? undefined) : undefined;
  } catch {
    return undefined;
  }
}

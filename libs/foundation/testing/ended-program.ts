// A program that is to end by itself, started as users start it.
import { fileURLToPath } from 'node:url';
import { spawnSync } from '../child-process.ts';

export interface EndedProgram {
  /** The exit code; null where it had not ended within a minute. */
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** @param main the file of the program. */
export function endedProgram(main: URL, ...args: string[]): EndedProgram {
  return spawnSync(process.execPath, [fileURLToPath(main), ...args], { encoding: 'utf8', timeout: 60_000 });
}

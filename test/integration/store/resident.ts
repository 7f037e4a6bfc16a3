// What a process has of the machine's memory.
import { readFileSync } from 'node:fs';

/** Resident bytes of a process, shared pages included; NaN where there is none to be read. */
export function residentBytes(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? Number.NaN) * 1024;
}

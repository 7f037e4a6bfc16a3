// Adapter: the end of a log file.
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';

const tailBytes = 64 * 1024;
/** Longer lines are cut: programs log whole stacks and command lines in one. */
const lineLength = 400;

/** The last `lines` lines of a file (of its last 64 KiB); empty where there is no file. */
export function tailOf(path: string, lines: number, longest = lineLength): string {
  let handle: number;
  try {
    handle = openSync(path, 'r');
  } catch {
    return '';
  }
  try {
    const { size } = fstatSync(handle);
    const from = Math.max(0, size - tailBytes);
    const buffer = Buffer.alloc(size - from);
    readSync(handle, buffer, 0, buffer.length, from);
    return buffer
      .toString()
      .trimEnd()
      .split('\n')
      .slice(-lines)
      .map((line) => (line.length > longest ? `${line.slice(0, longest)}...` : line))
      .join('\n');
  } finally {
    closeSync(handle);
  }
}

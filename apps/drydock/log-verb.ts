// `drydock logs`: log files of processes, followed as they grow.
import { closeSync, fstatSync, openSync, readSync, watch } from 'node:fs';
import process from 'node:process';
import { LabError } from '@drydock/lab/errors.ts';
import type { LogFile } from '@drydock/lab/lab.ts';
import { tailOf } from '@drydock/lab/machine/log-file.ts';
import { withoutCri } from '@drydock/lab/machine/manifest-files.ts';

const chunkBytes = 64 * 1024;

/** Prints the files; with `follow` goes on until the reader goes away. Lines of several sources begin with their names. */
export function followLogs(sources: readonly LogFile[], follow: boolean, tail: string | undefined): void {
  if (tail !== undefined && !/^\d+$/.test(tail))
    throw new LabError('config', `--tail: expected a whole number, got ${JSON.stringify(tail)}`);
  const width = Math.max(...sources.map((source) => source.name.length));
  let written = 0;
  for (const source of sources) {
    const prefix = sources.length > 1 ? `${source.name.padEnd(width)} | ` : '';
    if (followOne(source, prefix, follow, tail === undefined ? undefined : Number(tail))) written++;
  }
  if (written === 0)
    throw new LabError('not-running', `nothing was written yet (${sources.map(({ file }) => file).join(', ')})`);
}

/** Returns whether there is a file. */
function followOne({ file, isCri }: LogFile, prefix: string, follow: boolean, tail: number | undefined): boolean {
  let handle: number;
  try {
    handle = openSync(file, 'r');
  } catch {
    return false;
  }
  const write = linesInto(prefix, isCri ? withoutCri : undefined);
  const chunk = Buffer.alloc(chunkBytes);
  let at = 0;
  if (tail !== undefined) {
    at = fstatSync(handle).size;
    const text = tail === 0 ? '' : tailOf(file, tail);
    if (text !== '') write(Buffer.from(`${text}\n`));
  }
  const drain = () => {
    for (;;) {
      const count = readSync(handle, chunk, 0, chunk.length, at);
      if (count === 0) return;
      write(Buffer.from(chunk.subarray(0, count)));
      at += count;
    }
  };
  drain();
  if (follow) watch(file, drain);
  else closeSync(handle);
  return true;
}

/** Writes bytes as they are, or line by line behind a prefix and as `edit` makes each. */
function linesInto(prefix: string, edit?: (line: string) => string): (bytes: Buffer) => void {
  if (prefix === '' && edit === undefined) return (bytes) => process.stdout.write(bytes);
  let rest: Buffer = Buffer.alloc(0);
  return (bytes) => {
    rest = Buffer.concat([rest, bytes]);
    for (let end = rest.indexOf(10); end >= 0; end = rest.indexOf(10)) {
      const line = rest.subarray(0, end + 1);
      const edited = edit === undefined ? line : Buffer.from(`${edit(line.toString().slice(0, -1))}\n`);
      process.stdout.write(Buffer.concat([Buffer.from(prefix), edited]));
      rest = rest.subarray(end + 1);
    }
  };
}

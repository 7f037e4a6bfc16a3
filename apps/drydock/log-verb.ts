// `drydock logs`: a process's log file, followed as it grows.
import { closeSync, fstatSync, openSync, readSync, watch } from 'node:fs';
import process from 'node:process';
import { LabError } from '@drydock/lab/errors.ts';
import { tailOf } from '@drydock/lab/machine/log-file.ts';

const chunkBytes = 64 * 1024;

/** Prints the file; with `follow` goes on until the reader goes away. */
export function followLog(file: string, follow: boolean, tail: string | undefined): void {
  if (tail !== undefined && !/^\d+$/.test(tail))
    throw new LabError('config', `--tail: expected a whole number, got ${JSON.stringify(tail)}`);
  let handle: number;
  try {
    handle = openSync(file, 'r');
  } catch {
    throw new LabError('not-running', `nothing was written yet (${file})`);
  }
  const chunk = Buffer.alloc(chunkBytes);
  let at = 0;
  if (tail !== undefined) {
    const text = tailOf(file, Number(tail));
    if (text !== '') process.stdout.write(`${text}\n`);
    at = fstatSync(handle).size;
  }
  const drain = () => {
    for (
      let count = readSync(handle, chunk, 0, chunk.length, at);
      count > 0;
      count = readSync(handle, chunk, 0, chunk.length, at)
    ) {
      process.stdout.write(Buffer.from(chunk.subarray(0, count)));
      at += count;
    }
  };
  drain();
  if (!follow) {
    closeSync(handle);
    return;
  }
  process.stdout.on('error', () => process.exit(0));
  watch(file, drain);
}

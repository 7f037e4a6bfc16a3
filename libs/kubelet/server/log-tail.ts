// Where the last lines of a file begin, found from its end: a log of gigabytes is not read for ten lines of it.
import type { FileHandle } from 'node:fs/promises';

const blockBytes = 64 << 10;
const newline = 0x0a;

/** Of the last `count` lines that have ended; a line without its end does not count, and is among them. */
export async function tailStart(file: FileHandle, count: number): Promise<number> {
  const { size } = await file.stat();
  if (count === 0) return size;
  const block = Buffer.allocUnsafe(blockBytes);
  let found = 0;
  for (let end = size; end > 0; ) {
    const from = Math.max(0, end - blockBytes);
    const { bytesRead } = await file.read(block, 0, end - from, from);
    for (let at = bytesRead - 1; at >= 0; at--) {
      if (block[at] !== newline) continue;
      // The end of the line before the first wanted one.
      if (found === count) return from + at + 1;
      found++;
    }
    end = from;
  }
  return 0;
}

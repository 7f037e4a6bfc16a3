// Adapter: reads the log files that engines write in the CRI's format, and follows them.
import { watch } from 'node:fs';
import { stat } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { openPlainFile } from '@drydock/foundation/beneath/tail.ts';

export interface LogOptions {
  readonly follow: boolean;
  readonly timestamps: boolean;
  /** Negative: everything. */
  readonly tailLines: number;
  /** 0: no limit. */
  readonly limitBytes: number;
  /** Lines before this time are left out; 0: none. */
  readonly sinceMs: number;
  readonly stream: '' | 'stdout' | 'stderr';
}

/** One line of a log file without its header, or undefined where it is not wanted. `P` marks a part of a line. */
export function decodeLine(line: string, options: LogOptions): string | undefined {
  const match = /^(\S+) (stdout|stderr) (\S+) ?(.*)$/s.exec(line);
  if (match === null) return undefined;
  const [, time = '', stream, tag = 'F', content = ''] = match;
  if (options.stream !== '' && options.stream !== stream) return undefined;
  if (options.sinceMs > 0 && Date.parse(time) < options.sinceMs) return undefined;
  return `${options.timestamps ? `${time} ` : ''}${content}${tag.split(':')[0] === 'P' ? '' : '\n'}`;
}

/** Streams the log; with `follow` until the signal aborts or `ended` says that no more comes. */
export async function readLog(
  path: string,
  options: LogOptions,
  write: (text: string) => void,
  signal: AbortSignal,
  ended: () => Promise<boolean>,
): Promise<void> {
  let left = options.limitBytes > 0 ? options.limitBytes : Number.POSITIVE_INFINITY;
  const emit = (line: string): void => {
    const text = decodeLine(line, options);
    if (text === undefined || left <= 0) return;
    const bytes = Buffer.from(text);
    write(bytes.length <= left ? text : bytes.subarray(0, left).toString());
    left -= bytes.length;
  };
  const first = await openPlainFile(path);
  let offset = (await first.stat()).size;
  if (offset > 0) {
    const kept: string[] = [];
    const input = first.createReadStream({ end: offset - 1 });
    for await (const line of createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })) {
      if (options.tailLines < 0) emit(line);
      else {
        kept.push(line);
        if (kept.length > options.tailLines) kept.shift();
      }
    }
    for (const line of kept) emit(line);
  } else await first.close();
  if (!options.follow) return;
  let rest = '';
  let wake: () => void = () => {};
  const watcher = watch(path, () => wake());
  signal.addEventListener('abort', () => wake());
  try {
    for (;;) {
      const over = signal.aborted || (await ended());
      const changed = new Promise<void>((resolve) => {
        wake = resolve;
      });
      const size = (await stat(path)).size;
      if (size > offset) {
        const file = await openPlainFile(path);
        const buffer = Buffer.alloc(size - offset);
        await file.read(buffer, 0, buffer.length, offset);
        await file.close();
        offset = size;
        const parts = (rest + buffer.toString()).split('\n');
        rest = parts.pop() ?? '';
        for (const line of parts) emit(line);
      } else if (over || left <= 0) return;
      else await changed;
    }
  } finally {
    watcher.close();
  }
}

// Adapter: reads the log files that engines write in the CRI's format, and follows them through their rotations
// (pkg/kubelet/kuberuntime/logs). What a container wrote comes out byte by byte.
import { type FSWatcher, watch } from 'node:fs';
import { type FileHandle, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { openPlainFile } from '@drydock/foundation/beneath/tail.ts';
import type { Clock } from '@drydock/foundation/clock.ts';
import { LineSplitter, type LogOptions, LogWriter } from './log-lines.ts';
import { tailStart } from './log-tail.ts';

export type { LogOptions } from './log-lines.ts';
/** Resolves when there is room for more. */
export type WriteLog = (bytes: Buffer) => void | Promise<void>;

export interface LogPorts {
  readonly write: WriteLog;
  readonly signal: AbortSignal;
  /** Whether the container has ended: nothing more is written then. */
  readonly ended: () => Promise<boolean>;
  readonly clock: Pick<Clock, 'sleep'>;
}

const chunkBytes = 64 << 10;
/** How often it is looked whether the container has ended: that writes nothing (upstream's stateCheckPeriod is 5 s). */
const lookMs = 1000;

/** Streams the log; with `follow` until the signal aborts or the container has ended and all of its log was read. */
export async function readLog(path: string, options: LogOptions, ports: LogPorts): Promise<void> {
  const { signal, ended } = ports;
  const writer = new LogWriter(options, ports.write);
  let file = await openPlainFile(path);
  try {
    let at = options.tailLines < 0 ? 0 : await tailStart(file, options.tailLines);
    let lines = new LineSplitter();
    const changes = options.follow ? new Changes(dirname(path), signal, ports.clock) : undefined;
    try {
      for (;;) {
        // Asked before the file is read: what it wrote until then is in it.
        const over = changes === undefined || signal.aborted || (await ended());
        at = await drain(file, at, lines, writer, signal);
        if (writer.isFull || signal.aborted) return;
        const next = over ? undefined : await rotated(file, path);
        if (next !== undefined) {
          // What came in between the last read and the rotation.
          await drain(file, at, lines, writer, signal);
          await writer.line(lines.rest());
          await file.close();
          [file, at, lines] = [next, 0, new LineSplitter()];
        } else if (over) {
          await writer.line(lines.rest());
          return;
        } else await changes?.next();
      }
    } finally {
      changes?.close();
    }
  } finally {
    await file.close();
  }
}

/** Reads on to the end of the file as it is now; gives where that is. */
async function drain(
  file: FileHandle,
  from: number,
  lines: LineSplitter,
  writer: LogWriter,
  signal: AbortSignal,
): Promise<number> {
  const buffer = Buffer.allocUnsafe(chunkBytes);
  for (let at = from; ; ) {
    const { bytesRead } = await file.read(buffer, 0, chunkBytes, at);
    if (bytesRead === 0 || signal.aborted || writer.isFull) return at;
    at += bytesRead;
    for (const line of lines.push(Buffer.from(buffer.subarray(0, bytesRead)))) await writer.line(line);
  }
}

/** The file that is now at the path, where it is another one than the one that is open. */
async function rotated(file: FileHandle, path: string): Promise<FileHandle | undefined> {
  try {
    const [here, there] = [await file.stat(), await stat(path)];
    if (here.ino === there.ino && here.dev === there.dev) return undefined;
    return await openPlainFile(path);
  } catch (error) {
    // Between the renaming of the old file and the making of the new one.
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Tells of changes in a folder, and at least once in a while. */
class Changes {
  readonly #signal: AbortSignal;
  readonly #clock: Pick<Clock, 'sleep'>;
  readonly #watcher: FSWatcher | undefined;
  #changed = false;
  #wake: () => void = () => {};

  constructor(folder: string, signal: AbortSignal, clock: Pick<Clock, 'sleep'>) {
    this.#signal = signal;
    this.#clock = clock;
    // The folder is gone, or no more can be watched (inotify(7), limits): then there are the looks.
    try {
      this.#watcher = watch(folder, () => {
        this.#changed = true;
        this.#wake();
      });
      this.#watcher.on('error', () => {});
    } catch {
      this.#watcher = undefined;
    }
  }

  async next(): Promise<void> {
    if (!this.#changed) {
      const stop = new AbortController();
      const woken = new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      const slept = this.#clock.sleep(lookMs, AbortSignal.any([stop.signal, this.#signal])).catch(() => {});
      await Promise.race([woken, slept]);
      stop.abort();
    }
    this.#changed = false;
  }

  close(): void {
    this.#watcher?.close();
  }
}

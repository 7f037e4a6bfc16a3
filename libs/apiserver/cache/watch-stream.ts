// What one watcher gets. It has a place in the cache's log and no queue of its own: what it has not taken yet is read from the
// log when its connection has room, so that a slow watcher costs nothing, until the log has left it behind.
import { ApiError, apiError } from '@drydock/api/status.ts';
import { watchBatchMaxBytes } from '../limits.ts';
import type { CacheEvent } from './entry.ts';
import type { EventLog } from './event-log.ts';
import { Frame } from './frame.ts';

/** How events become frames for one watcher. */
export interface Reading {
  readonly log: EventLog;
  /** The number of the first event to read. */
  readonly next: number;
  /** Frames that come before those of the log, made as they are taken. */
  readonly initial?: Iterator<Frame> | undefined;
  /** Whether this watcher gets anything of an event. */
  concerns(event: CacheEvent): boolean;
  frame(event: CacheEvent): Frame;
}

/** The places where something can be written until it says that it is full. */
export interface Drainable {
  once(event: 'drain', listener: () => void): unknown;
  off(event: 'drain', listener: () => void): unknown;
}

/** A watch under way. One consumer pulls with `next` until it gives undefined. */
export class WatchStream {
  #reading: Reading | undefined;
  #number = 0;
  #initial: Iterator<Frame> | undefined;
  /** Makes the bookmark that is due, at the time when it is taken. */
  #bookmark: (() => Frame | undefined) | undefined;
  #last: Frame | undefined;
  #wake: (() => void) | undefined;
  #ended = false;
  readonly #release = new Set<() => void>();

  /** What is read from now on. */
  read(reading: Reading): void {
    this.#reading = reading;
    this.#number = reading.next;
    this.#initial = reading.initial;
    this.#wake?.();
  }

  /** The log has this event more. */
  notify(event: CacheEvent): void {
    if (this.#wake === undefined || this.#reading === undefined) return;
    // Who waits has read everything else; whoever gets nothing of this event sleeps on.
    if (this.#reading.log.at(this.#number) === event && !concerns(this.#reading, event)) this.#number++;
    else this.#wake();
  }

  /** A bookmark is due once everything before it has been taken; `make` gives none where there is nothing to say. */
  bookmark(make: () => Frame | undefined): void {
    this.#bookmark = make;
    this.#wake?.();
  }

  /** The next frame in order, or undefined when the watch is over. */
  async next(): Promise<Frame | undefined> {
    for (;;) {
      const frame = this.#take();
      if (frame !== undefined || this.#ended) return frame;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      this.#wake = undefined;
    }
  }

  /** What can be had without waiting, up to watchBatchMaxBytes. */
  drain(): Frame[] {
    const frames: Frame[] = [];
    for (let bytes = 0; bytes < watchBatchMaxBytes; ) {
      const frame = this.#take();
      if (frame === undefined) break;
      frames.push(frame);
      bytes += frame.line.length;
    }
    return frames;
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** Registers what to release when the watch is over, at once if it already is; returns how to forget it. */
  onEnd(release: () => void): () => void {
    if (this.#ended) release();
    else this.#release.add(release);
    return () => this.#release.delete(release);
  }

  /** Resolves when `target` has room again, or the watch is over. */
  async drained(target: Drainable): Promise<void> {
    if (this.#ended) return;
    await new Promise<void>((resolve) => {
      const done = () => {
        target.off('drain', done);
        forget();
        resolve();
      };
      target.once('drain', done);
      const forget = this.onEnd(done);
    });
  }

  /** Ends the watch, with an error as its last frame where there is one. */
  end(error?: ApiError): void {
    if (this.#ended) return;
    this.#ended = true;
    if (error !== undefined) this.#last = new Frame('ERROR', error.status);
    this.#reading = undefined;
    this.#initial = undefined;
    this.#bookmark = undefined;
    const release = [...this.#release];
    this.#release.clear();
    for (const each of release) each();
    this.#wake?.();
  }

  /** The next frame, where there is one; ends the watch where it fails. */
  #take(): Frame | undefined {
    try {
      const frame = this.#nextInitial() ?? this.#nextOfLog() ?? this.#nextBookmark();
      if (frame !== undefined) return frame;
    } catch (error) {
      const text = error instanceof Error ? error.message : String(error);
      this.end(error instanceof ApiError ? error : apiError('InternalError', `Internal error occurred: ${text}`));
    }
    const last = this.#last;
    this.#last = undefined;
    return last;
  }

  #nextInitial(): Frame | undefined {
    if (this.#initial === undefined) return undefined;
    const { value, done } = this.#initial.next();
    if (!done) return value;
    this.#initial = undefined;
    return undefined;
  }

  #nextOfLog(): Frame | undefined {
    while (this.#reading !== undefined && this.#number < this.#reading.log.next) {
      const event = this.#reading.log.at(this.#number);
      if (event === undefined) {
        // The log has left this watcher behind: it has to come back, and will be told that its version is too old.
        this.end();
        return undefined;
      }
      this.#number++;
      if (this.#reading.concerns(event)) return this.#reading.frame(event);
    }
    return undefined;
  }

  #nextBookmark(): Frame | undefined {
    const make = this.#bookmark;
    this.#bookmark = undefined;
    return make?.();
  }
}

/** For a caller that must not fail: the consumer meets the same error, and tells the client. */
function concerns(reading: Reading, event: CacheEvent): boolean {
  try {
    return reading.concerns(event);
  } catch {
    return true;
  }
}

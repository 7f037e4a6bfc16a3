// Adapter: gives back the space of free pages while the backend goes on being read and written.
//
//   copy      records as they were at the start are written into a new file, in order, by a thread of its own: pages become full
//   catch up  keys that were written meanwhile are read from the old file and written into the new one, a slice per turn,
//             until few are left
//   switch    the rest in one turn; from here on the backend is the new file
//   rename    the new file is synced, then takes the place of the old one
//
// A crash before the rename leaves the old file, which has everything that was ever said to be durable: `Backend.sync` waits for
// the rename. What was committed to the new file only is in the log.
import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { limits } from '../limits.ts';
import type { Bucket } from './backend.ts';
import { copyInThread } from './defragment-thread.ts';
import { LmdbEnvironment } from './lmdb-environment.ts';
import { dataFile, takePlace } from './lmdb-file.ts';
import type { Change } from './pending-changes.ts';
import { replacementPrefix } from './replacement.ts';

const folderPrefix = 'defragment-';

/** Places at which a test may end the process. */
export type DefragmentPoint =
  | 'defragmentCopied'
  | 'defragmentCaughtUp'
  | 'defragmentSwitched'
  | 'defragmentSynced'
  | 'defragmentRenamed';

export class DefragmentError extends Error {
  override readonly name = 'DefragmentError';
}

/** Removes what did not get to its end before. To be called before the environment is opened. */
export function removeLeftovers(folder: string): void {
  for (const name of readdirSync(folder)) {
    if (name.startsWith(folderPrefix) || name.startsWith(replacementPrefix))
      rmSync(join(folder, name), { recursive: true, force: true });
  }
}

export interface DefragmentPorts {
  /** Of the backend; the file in use is `data.mdb` in it. */
  readonly folder: string;
  readonly old: LmdbEnvironment;
  /** On the disk of the folder. */
  readonly freeBytes: () => number;
  /** Makes `old` hold all writes so far. */
  readonly commit: () => Promise<void>;
  /** Runs `work` while no commit is under way. */
  readonly exclusively: <T>(work: () => T) => Promise<T>;
  /** From here on writes and reads go to `next`; `durable` resolves when `next` has the old file's name. */
  readonly switchTo: (next: LmdbEnvironment, durable: Promise<void>) => void;
  readonly reached: (point: DefragmentPoint) => void;
}

/** One run. `note` must be told of every change that is committed to the old environment meanwhile. */
export class Defragmentation {
  readonly #ports: DefragmentPorts;
  readonly #folder: string;
  /** Keys that the new file may have an old value of. */
  #dirty = new Map<string, { readonly bucket: Bucket; readonly key: Buffer }>();
  #aborted: string | undefined;
  readonly #stop = new AbortController();
  /** The new file has its name; of one that is in use. */
  #inPlace: Promise<void> | undefined;

  /** `number` is different for every run of a process: the environment in use has its lock in the folder of its run. */
  constructor(ports: DefragmentPorts, number: number) {
    this.#ports = ports;
    this.#folder = join(ports.folder, `${folderPrefix}${number}`);
  }

  note(changes: readonly Change[]): void {
    for (const { bucket, key } of changes) this.#dirty.set(`${bucket} ${key.toString('latin1')}`, { bucket, key });
    if (this.#dirty.size > limits.defragmentDirtyKeys)
      this.abort('too many writes while the backend was copied; try again later');
  }

  abort(reason: string): void {
    this.#aborted ??= reason;
    this.#dirty.clear();
    this.#stop.abort();
  }

  /** Throws DefragmentError where it had to be given up; the old environment is in use then. */
  async run(): Promise<void> {
    const { old, commit, reached } = this.#ports;
    this.#needSpace();
    mkdirSync(this.#folder, { recursive: true, mode: 0o700 });
    let next: LmdbEnvironment | undefined;
    // Keeps the old file's blocks until it is closed in a thread: freeing a gigabyte takes its time.
    const oldFile = await open(join(this.#ports.folder, dataFile), 'r');
    try {
      await commit();
      await this.#copy();
      this.#check();
      reached('defragmentCopied');
      next = new LmdbEnvironment(this.#folder);
      await this.#follow(next);
      // What was copied is on the disk then, and the rename has little to wait for.
      await next.sync();
      await this.#follow(next);
      reached('defragmentCaughtUp');
      await this.#switch(next);
    } catch (error) {
      await oldFile.close();
      await next?.close();
      await rm(this.#folder, { recursive: true, force: true });
      throw error;
    }
    await this.#inPlace;
    reached('defragmentRenamed');
    await old.retire();
    await oldFile.close();
  }

  /** Running out of space half way could end the member: its own commits need some. */
  #needSpace(): void {
    const free = this.#ports.freeBytes();
    const needed = this.#ports.old.sizes().inUseBytes + limits.defragmentReserveBytes;
    if (free < needed)
      throw new DefragmentError(`needs ${needed} bytes on the disk of the data directory, but ${free} are free`);
  }

  #check(): void {
    if (this.#aborted !== undefined) throw new DefragmentError(this.#aborted);
  }

  async #copy(): Promise<void> {
    // Another thread reads it from the file, whose head must not be written meanwhile.
    const snapshot = await this.#ports.exclusively(() => this.#ports.old.snapshot());
    try {
      await copyInThread({ picture: snapshot.picture, folder: this.#folder }, this.#stop.signal);
    } finally {
      snapshot.release();
    }
  }

  /** Catches up until little is left, or until as much is written as is caught up with. */
  async #follow(next: LmdbEnvironment): Promise<void> {
    let before = Number.POSITIVE_INFINITY;
    while (this.#dirty.size > limits.defragmentSliceKeys && this.#dirty.size < before) {
      before = this.#dirty.size;
      for (let left = before; left > 0; left -= limits.defragmentSliceKeys) {
        this.#check();
        const changes = this.#missing(limits.defragmentSliceKeys, limits.defragmentSliceBytes);
        if (changes.length > 0) await next.writeAside(changes);
        await nextTurn();
      }
    }
    this.#check();
  }

  /** What the new file has not; it must be written there. */
  #missing(keysMax: number, bytesMax: number): readonly Change[] {
    const changes: Change[] = [];
    let bytes = 0;
    for (const [id, { bucket, key }] of this.#dirty) {
      if (changes.length >= keysMax || bytes >= bytesMax) break;
      const value = this.#ports.old.get(bucket, key);
      changes.push({ bucket, key, value });
      bytes += key.length + (value?.length ?? 0);
      this.#dirty.delete(id);
    }
    return changes;
  }

  /** What is not committed yet goes to the new file with the next commit. */
  async #switch(next: LmdbEnvironment): Promise<void> {
    const { exclusively, switchTo, reached } = this.#ports;
    await exclusively(() => {
      this.#check();
      const changes = this.#missing(Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY);
      next.write(changes);
      this.#inPlace = this.#takePlace(next);
      switchTo(next, this.#inPlace);
      reached('defragmentSwitched');
    });
  }

  async #takePlace(next: LmdbEnvironment): Promise<void> {
    const { folder, reached } = this.#ports;
    await next.sync();
    reached('defragmentSynced');
    await takePlace(this.#folder, folder);
  }
}

/** Lets everything that waits have its turn. */
function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

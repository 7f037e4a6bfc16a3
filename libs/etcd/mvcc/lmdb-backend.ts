// Adapter: the backend on lmdb. Changes are collected here; `commit` writes them in one transaction, in a thread of lmdb's, so that
// neither the tree nor the disk takes the time of the thread that serves. Until that is done reads find them here.

import { statfsSync } from 'node:fs';
import type { Backend, BackendReplacement, BackendSnapshot, Bucket, RecordBucket, StoredRecord } from './backend.ts';
import { Defragmentation, DefragmentError, type DefragmentPoint, removeLeftovers } from './defragment.ts';
import { BackendError, type BackendSizes, LmdbEnvironment } from './lmdb-environment.ts';
import { PendingChanges, recordsWith, revisionsWith } from './pending-changes.ts';
import { Replacement } from './replacement.ts';
import { encodeRevision, encodeRevisionInto, revisionBytes } from './revision.ts';

/** Places at which a test may end the process: also around a commit, and after one that removed what was compacted. */
export type BackendPoint = DefragmentPoint | 'beforeCommit' | 'afterCommit' | 'afterRemoval';

/** Opens or creates the backend in `folder`; `reached` is told of its steps. Throws where the files cannot be used. */
export function openLmdbBackend(folder: string, reached: (point: BackendPoint) => void = () => {}): Backend {
  return new LmdbBackend(folder, reached);
}

class LmdbBackend implements Backend {
  readonly #folder: string;
  readonly #reached: (point: BackendPoint) => void;
  #environment: LmdbEnvironment;
  #pending = new PendingChanges();
  /** Being written. */
  #writing: PendingChanges | undefined;
  #failed = false;
  /** What is done to the environment, one after the other. */
  #work: Promise<void> = Promise.resolve();
  /** The next commit, while it waits for its turn. */
  #next: Promise<void> | undefined;
  /** The key that is looked for. */
  readonly #wanted = Buffer.allocUnsafeSlow(revisionBytes);
  #defragmentation: Defragmentation | undefined;
  #defragmenting: Promise<void> | undefined;
  #defragmentations = 0;
  #replacing = false;
  #replacements = 0;
  /** The file of the environment has the name under which it is looked for at the next start. */
  #inPlace: Promise<void> = Promise.resolve();
  beforeCommit: () => void = () => {};

  constructor(folder: string, reached: (point: BackendPoint) => void) {
    this.#folder = folder;
    this.#reached = reached;
    removeLeftovers(folder);
    this.#environment = new LmdbEnvironment(folder);
  }

  get pendingBytes(): number {
    return this.#pending.bytes + (this.#writing?.bytes ?? 0);
  }

  get(main: number, sub: number): Buffer | undefined {
    return this.#unwrittenValue(main, sub) ?? this.#environment.get('key', encodeRevisionInto(this.#wanted, main, sub));
  }

  peek(main: number, sub: number): Buffer | undefined {
    return this.#unwrittenValue(main, sub) ?? this.#environment.peek('key', encodeRevisionInto(this.#wanted, main, sub));
  }

  put(main: number, sub: number, tombstone: boolean, value: Buffer): void {
    this.#pending.put(main, sub, tombstone, value);
  }

  remove(main: number, sub: number, tombstone: boolean): void {
    this.#pending.remove(main, sub, tombstone);
  }

  setRecord(bucket: RecordBucket, key: string, value: Uint8Array | undefined): void {
    this.#pending.set(bucket, Buffer.from(key), value);
  }

  records(bucket: RecordBucket): Iterable<StoredRecord> {
    return recordsWith(this.#environment.range(bucket), this.#unwritten, bucket);
  }

  revisions(from: number, to: number, fromSub = 0): Iterable<StoredRecord> {
    const start = encodeRevision(from, fromSub);
    const end = encodeRevision(to + 1, 0);
    return revisionsWith(this.#environment.range('key', start, end), this.#unwritten, start, end);
  }

  commit(): Promise<void> {
    this.#next ??= this.#inTurn(() => this.#write());
    return this.#next;
  }

  async sync(): Promise<void> {
    await this.#work;
    this.#checkWritable();
    await this.#environment.sync();
    await this.#inPlace;
  }

  snapshot(): BackendSnapshot {
    const snapshot = this.#environment.snapshot();
    const pending = this.#unwritten.map((changes) => changes.frozen());
    if (pending.length === 0) return snapshot;
    return {
      entries: (bucket) => {
        const stored = snapshot.entries(bucket);
        return bucket === 'key' ? revisionsWith(stored, pending) : recordsWith(stored, pending, bucket);
      },
      release: () => snapshot.release(),
    };
  }

  async committedSnapshot(): Promise<BackendSnapshot> {
    const commit = this.commit();
    const snapshot = this.#inTurn(() => this.#environment.snapshot());
    await commit;
    return snapshot;
  }

  async replace(): Promise<BackendReplacement> {
    this.#replacing = true;
    this.#defragmentation?.abort('the content of the backend is being replaced');
    // One that has not switched yet goes on with the old file until it notices.
    if (this.#defragmentation !== undefined) await this.#defragmenting?.catch(() => undefined);
    const ports = {
      folder: this.#folder,
      exclusively: (work: () => Promise<void>) => this.#inTurn(work),
      inPlace: () => this.#inPlace,
      switchTo: (next: LmdbEnvironment) => this.#startAnew(next),
    };
    const replacement = new Replacement(ports, this.#replacements++);
    const over = <T>(end: Promise<T>): Promise<T> => end.finally(() => (this.#replacing = false));
    return {
      load: (bucket, records) => replacement.load(bucket, records),
      finish: (changed) => over(replacement.finish(changed)),
      abandon: () => over(replacement.abandon()),
    };
  }

  #startAnew(next: LmdbEnvironment): void {
    const old = this.#environment;
    this.#environment = next;
    this.#pending = new PendingChanges();
    // When those who read pictures of it have done so.
    old.retire().catch(() => undefined);
  }

  load(bucket: Bucket, records: readonly StoredRecord[]): void {
    this.#environment.write(records.map(({ key, value }) => ({ bucket, key, value })));
  }

  defragment(): Promise<void> {
    this.#defragmenting ??= this.#defragment().finally(() => {
      this.#defragmenting = undefined;
    });
    return this.#defragmenting;
  }

  sizes(): BackendSizes {
    return this.#environment.sizes();
  }

  async close(): Promise<void> {
    this.#defragmentation?.abort('the member stops');
    await this.#defragmenting?.catch(() => undefined);
    // lmdb is in no state to be asked for anything after a commit that failed: it may wait for ever, or end the process.
    await this.#inTurn(() => (this.#failed ? undefined : this.#environment.close()));
  }

  async #defragment(): Promise<void> {
    if (this.#replacing) throw new DefragmentError('the content of the backend is being replaced');
    const run = new Defragmentation(
      {
        folder: this.#folder,
        old: this.#environment,
        freeBytes: () => {
          const { bavail, bsize } = statfsSync(this.#folder);
          return bavail * bsize;
        },
        commit: () => this.commit(),
        exclusively: (work) => this.#inTurn(work),
        switchTo: (next, inPlace) => {
          this.#environment = next;
          this.#inPlace = inPlace;
          this.#defragmentation = undefined;
        },
        reached: this.#reached,
      },
      this.#defragmentations++,
    );
    this.#defragmentation = run;
    try {
      await run.run();
    } finally {
      this.#defragmentation = undefined;
    }
  }

  #unwrittenValue(main: number, sub: number): Buffer | undefined {
    return this.#pending.get(main, sub) ?? this.#writing?.get(main, sub);
  }

  /** Oldest first. */
  get #unwritten(): PendingChanges[] {
    const pending = this.#pending.changes.length > 0 ? [this.#pending] : [];
    return this.#writing === undefined ? pending : [this.#writing, ...pending];
  }

  #inTurn<T>(work: () => T | Promise<T>): Promise<T> {
    const done = this.#work.then(work);
    this.#work = done.then(
      () => {},
      () => {},
    );
    return done;
  }

  /** Where a commit has failed, its changes are not there, and no later ones may be. */
  #checkWritable(): void {
    if (this.#failed) throw new BackendError('an earlier commit has failed');
  }

  async #write(): Promise<void> {
    this.#next = undefined;
    this.beforeCommit();
    this.#checkWritable();
    const writing = this.#pending;
    if (writing.changes.length === 0) return;
    this.#pending = new PendingChanges();
    this.#writing = writing;
    this.#reached('beforeCommit');
    try {
      await this.#environment.writeAside(writing.changes);
    } catch (error) {
      this.#failed = true;
      throw error;
    }
    this.#reached('afterCommit');
    if (writing.removes) this.#reached('afterRemoval');
    this.#defragmentation?.note(writing.changes);
    this.#writing = undefined;
  }
}

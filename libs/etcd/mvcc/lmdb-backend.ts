// Adapter: the backend on lmdb. Changes are collected here and written by `commit`, in one transaction.

import { statfsSync } from 'node:fs';
import type { Backend, BackendSnapshot, Bucket, RecordBucket, StoredRecord } from './backend.ts';
import { Defragmentation, type DefragmentPoint, removeDefragmentLeftovers } from './defragment.ts';
import { type BackendSizes, type Change, LmdbEnvironment } from './lmdb-environment.ts';
import { encodeRevision, encodeRevisionInto, revisionBytes } from './revision.ts';

/** Room for the tree's own bytes, per change. */
const changeOverheadBytes = 64;

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
  /** Revisions not committed yet, by main, then sub. */
  #recent = new Map<number, (Buffer | undefined)[]>();
  #changes: Change[] = [];
  #pendingBytes = 0;
  /** The key that is looked for. */
  readonly #wanted = Buffer.allocUnsafeSlow(revisionBytes);
  /** Whether a revision is among the changes to be removed. */
  #removing = false;
  #defragmentation: Defragmentation | undefined;
  #defragmenting: Promise<void> | undefined;
  #defragmentations = 0;
  /** The file of the environment has the name under which it is looked for at the next start. */
  #inPlace: Promise<void> = Promise.resolve();
  beforeCommit: () => void = () => {};

  constructor(folder: string, reached: (point: BackendPoint) => void) {
    this.#folder = folder;
    this.#reached = reached;
    removeDefragmentLeftovers(folder);
    this.#environment = new LmdbEnvironment(folder);
  }

  get pendingBytes(): number {
    return this.#pendingBytes;
  }

  get(main: number, sub: number): Buffer | undefined {
    const recent = this.#recent.get(main)?.[sub];
    if (recent !== undefined) return recent;
    return this.#environment.get('key', encodeRevision(main, sub));
  }

  peek(main: number, sub: number): Buffer | undefined {
    return this.#recent.get(main)?.[sub] ?? this.#environment.peek('key', encodeRevisionInto(this.#wanted, main, sub));
  }

  put(main: number, sub: number, tombstone: boolean, value: Buffer): void {
    let subs = this.#recent.get(main);
    if (subs === undefined) {
      subs = [];
      this.#recent.set(main, subs);
    }
    subs[sub] = value;
    this.#change({ bucket: 'key', key: encodeRevision(main, sub, tombstone), value });
  }

  remove(main: number, sub: number, tombstone: boolean): void {
    this.#removing = true;
    this.#change({ bucket: 'key', key: encodeRevision(main, sub, tombstone), value: undefined });
  }

  setRecord(bucket: RecordBucket, key: string, value: Uint8Array | undefined): void {
    this.#change({ bucket, key: Buffer.from(key), value });
  }

  *records(bucket: RecordBucket): Iterable<StoredRecord> {
    this.commit();
    yield* this.#environment.range(bucket);
  }

  *revisions(from: number, to: number, fromSub = 0): Iterable<StoredRecord> {
    if (this.#changes.length > 0) this.commit();
    yield* this.#environment.range('key', encodeRevision(from, fromSub), encodeRevision(to + 1, 0));
  }

  commit(): void {
    this.beforeCommit();
    const changes = this.#changes;
    if (changes.length === 0) return;
    this.#reached('beforeCommit');
    this.#environment.write(changes, this.#pendingBytes);
    this.#reached('afterCommit');
    if (this.#removing) this.#reached('afterRemoval');
    this.#removing = false;
    this.#defragmentation?.note(changes);
    this.#changes = [];
    this.#pendingBytes = 0;
    this.#recent = new Map();
  }

  async sync(): Promise<void> {
    await this.#environment.sync();
    await this.#inPlace;
  }

  snapshot(): BackendSnapshot {
    this.commit();
    return this.#environment.snapshot();
  }

  clear(meta: readonly { readonly key: string; readonly value: Uint8Array }[]): void {
    this.#defragmentation?.abort('the content of the backend is being replaced');
    this.#changes = [];
    this.#pendingBytes = 0;
    this.#recent = new Map();
    this.#environment.replace(meta.map(({ key, value }) => ({ bucket: 'meta', key: Buffer.from(key), value })));
  }

  load(bucket: Bucket, records: readonly StoredRecord[]): void {
    this.#environment.write(
      records.map(({ key, value }) => ({ bucket, key, value })),
      0,
    );
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
    await this.#environment.close();
  }

  async #defragment(): Promise<void> {
    const run = new Defragmentation(
      {
        folder: this.#folder,
        old: this.#environment,
        freeBytes: () => {
          const { bavail, bsize } = statfsSync(this.#folder);
          return bavail * bsize;
        },
        commit: () => this.commit(),
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

  #change(change: Change): void {
    this.#changes.push(change);
    this.#pendingBytes += change.key.length + (change.value?.length ?? 0) + changeOverheadBytes;
  }
}

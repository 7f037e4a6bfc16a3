// The Backend in memory, with the promises of the one on lmdb: after a kill the newest commit is there, after a power failure
// some commit, whole, that is not older than the last sync.
import type { Backend, BackendReplacement, BackendSnapshot, Bucket, StoredRecord } from '@drydock/etcd/mvcc/backend.ts';
import { buckets } from '@drydock/etcd/mvcc/backend.ts';
import { encodeRevision } from '@drydock/etcd/mvcc/revision.ts';
import type { RandomStream } from '@drydock/foundation/random.ts';
import type { SimDisk } from './disk.ts';
import type { SimProcess } from './process.ts';
import { Tally } from './tally.ts';

type Table = Map<string, Buffer>;
type Tables = Readonly<Record<Bucket, Table>>;

interface Change {
  readonly bucket: Bucket;
  /** As latin1 characters, so that they sort as bytes. */
  readonly key: string;
  readonly value: Buffer | undefined;
}

/** What one transaction did. */
interface Commit {
  readonly clear: boolean;
  readonly changes: readonly Change[];
}

const commitUs = 1000;
const syncUs = 2000;
const defragmentUs = 200_000;
const changeOverheadBytes = 64;

/** What survives of a backend. */
export class BackendMedium {
  #synced: Tables = emptyTables();
  /** Since the last sync. */
  #commits: Commit[] = [];
  readonly #random: RandomStream;
  readonly #tally: Tally;

  constructor(random: RandomStream, tally = new Tally()) {
    this.#random = random;
    this.#tally = tally;
  }

  /** Files grow; only a defragmentation makes them smaller. */
  fileBytes = 0;

  add(commit: Commit): void {
    this.#commits.push(commit);
  }

  /** A place to give to `syncTo`. */
  get position(): Commit | undefined {
    return this.#commits.at(-1);
  }

  /** Everything up to the commit is safe from power failures. */
  syncTo(commit: Commit | undefined): void {
    if (commit === undefined) return;
    const count = this.#commits.indexOf(commit) + 1;
    for (const done of this.#commits.splice(0, count)) applyCommit(this.#synced, done);
  }

  losePower(): void {
    const kept = this.#random.int(this.#commits.length + 1);
    if (kept < this.#commits.length) this.#tally.add('commit lost with the power');
    this.#commits.length = kept;
  }

  /** What a program that opens it sees. */
  content(): Tables {
    const tables = copyTables(this.#synced);
    for (const commit of this.#commits) applyCommit(tables, commit);
    return tables;
  }
}

/** The port for one life of a process. */
export class SimBackend implements Backend {
  readonly #medium: BackendMedium;
  readonly #life: SimProcess;
  readonly #disk: SimDisk;
  #tables: Tables;
  /** The key bucket in order; made when it is asked for. */
  #ordered: string[] | undefined;
  #changes: Change[] = [];
  #pendingBytes = 0;
  #writingBytes = 0;
  /** What is done to the medium, one after the other. */
  #work: Promise<void> = Promise.resolve();
  /** The next commit, while it waits for its turn. */
  #next: Promise<void> | undefined;
  /** Of all records. */
  #bytes: number;
  beforeCommit: () => void = () => {};

  /** @param disk the one it is on, with what is wrong with it. */
  constructor(medium: BackendMedium, life: SimProcess, disk: SimDisk) {
    this.#medium = medium;
    this.#disk = disk;
    this.#life = life;
    this.#tables = medium.content();
    this.#bytes = bytesOf(this.#tables);
  }

  get pendingBytes(): number {
    return this.#pendingBytes + this.#writingBytes;
  }

  get(main: number, sub: number): Buffer | undefined {
    return this.#tables.key.get(encodeRevision(main, sub).toString('latin1'));
  }

  peek(main: number, sub: number): Buffer | undefined {
    return this.get(main, sub);
  }

  put(main: number, sub: number, tombstone: boolean, value: Buffer): void {
    this.#change({ bucket: 'key', key: encodeRevision(main, sub, tombstone).toString('latin1'), value: Buffer.from(value) });
  }

  remove(main: number, sub: number, tombstone: boolean): void {
    this.#change({ bucket: 'key', key: encodeRevision(main, sub, tombstone).toString('latin1'), value: undefined });
  }

  setRecord(bucket: Exclude<Bucket, 'key'>, key: string, value: Uint8Array | undefined): void {
    const name = Buffer.from(key).toString('latin1');
    this.#change({ bucket, key: name, value: value === undefined ? undefined : Buffer.from(value) });
  }

  *records(bucket: Exclude<Bucket, 'key'>): Iterable<StoredRecord> {
    yield* recordsOf(this.#tables[bucket], [...this.#tables[bucket].keys()].sort());
  }

  *revisions(from: number, to: number, fromSub = 0): Iterable<StoredRecord> {
    this.#ordered ??= [...this.#tables.key.keys()].sort();
    const ordered = this.#ordered;
    const end = encodeRevision(to + 1, 0).toString('latin1');
    for (let i = firstAtLeast(ordered, encodeRevision(from, fromSub).toString('latin1')); i < ordered.length; i++) {
      const key = ordered[i] ?? '';
      if (key >= end) return;
      const value = this.#tables.key.get(key);
      if (value !== undefined) yield { key: Buffer.from(key, 'latin1'), value };
    }
  }

  commit(): Promise<void> {
    this.#next ??= this.#inTurn(() => this.#commit());
    return this.#next;
  }

  async sync(): Promise<void> {
    await this.#work;
    if (!this.#life.alive) return new Promise(() => {});
    const { position } = this.#medium;
    return new Promise((resolve, reject) => {
      this.#life.after(this.#disk.timeOf(syncUs), () => {
        this.#life.effect('sync', () => {
          try {
            this.#disk.failSync();
          } catch (error) {
            reject(error);
            return;
          }
          this.#medium.syncTo(position);
          this.#life.world.note(`${this.#life.name} backend sync`);
          resolve();
        });
      });
    });
  }

  snapshot(): BackendSnapshot {
    const tables = copyTables(this.#tables);
    return {
      entries: (bucket) => recordsOf(tables[bucket], [...tables[bucket].keys()].sort()),
      release: () => {},
    };
  }

  async committedSnapshot(): Promise<BackendSnapshot> {
    await this.commit();
    return this.snapshot();
  }

  async replace(): Promise<BackendReplacement> {
    const changes: Change[] = [];
    return {
      load: (bucket, records) => {
        this.#disk.needSpace();
        for (const { key, value } of records) changes.push({ bucket, key: key.toString('latin1'), value: Buffer.from(value) });
      },
      finish: (changed) => this.#inTurn(() => this.#replaceBy(changes, changed)),
      abandon: async () => {},
    };
  }

  /** Durable at once, as a file is that was synced and then renamed. */
  #replaceBy(changes: readonly Change[], changed: () => void): Promise<void> {
    if (!this.#life.alive) return new Promise(() => {});
    return new Promise((resolve, reject) => {
      this.#life.after(this.#disk.timeOf(syncUs), () => {
        this.#life.effect('sync', () => {
          try {
            this.#disk.failSync();
            this.#startAnew({ clear: true, changes });
            changed();
            resolve();
          } catch (error) {
            reject(error);
          }
        });
      });
    });
  }

  #startAnew(commit: Commit): void {
    this.#changes = [];
    this.#pendingBytes = 0;
    this.#ordered = undefined;
    applyCommit(this.#tables, commit);
    this.#bytes = bytesOf(this.#tables);
    this.#medium.add(commit);
    this.#medium.syncTo(commit);
    this.#medium.fileBytes = this.#bytes;
    this.#life.world.note(`${this.#life.name} backend replaced ${commit.changes.length}`);
  }

  load(bucket: Bucket, records: readonly StoredRecord[]): void {
    this.#disk.needSpace();
    const changes = records.map(
      ({ key, value }): Change => ({ bucket, key: key.toString('latin1'), value: Buffer.from(value) }),
    );
    const commit = { clear: false, changes };
    applyCommit(this.#tables, commit);
    this.#bytes = bytesOf(this.#tables);
    if (bucket === 'key') this.#ordered = undefined;
    this.#write(commit);
  }

  /** Space is given back in one moment at the end, as the file of the real one is renamed. */
  defragment(): Promise<void> {
    void this.commit().catch(() => {});
    if (!this.#life.alive) return new Promise(() => {});
    return new Promise((resolve) => {
      this.#life.after(this.#disk.timeOf(defragmentUs), () => {
        this.#life.effect('disk', () => {
          this.#medium.fileBytes = this.#bytes;
          this.#life.world.note(`${this.#life.name} backend defragmented`);
          resolve();
        });
      });
    });
  }

  sizes(): { totalBytes: number; inUseBytes: number } {
    const inUseBytes = this.#bytes;
    return { totalBytes: Math.max(this.#medium.fileBytes, inUseBytes), inUseBytes };
  }

  async close(): Promise<void> {}

  #inTurn(work: () => void | Promise<void>): Promise<void> {
    const done = this.#work.then(work);
    this.#work = done.catch(() => {});
    return done;
  }

  /** Atomic, some time after it was begun: a process that dies meanwhile leaves nothing of it. */
  #commit(): Promise<void> | void {
    this.#next = undefined;
    this.beforeCommit();
    if (this.#changes.length === 0) return;
    this.#disk.needSpace();
    const changes = this.#changes;
    this.#changes = [];
    this.#writingBytes = this.#pendingBytes;
    this.#pendingBytes = 0;
    if (!this.#life.alive) return new Promise(() => {});
    return new Promise((resolve) => {
      this.#life.after(this.#disk.timeOf(commitUs), () => {
        this.#writingBytes = 0;
        this.#write({ clear: false, changes });
        resolve();
      });
    });
  }

  #write(commit: Commit): void {
    this.#life.effect('commit', () => {
      this.#medium.add(commit);
      this.#medium.fileBytes = Math.max(this.#medium.fileBytes, this.#bytes);
      this.#life.world.note(`${this.#life.name} backend commit ${commit.changes.length}`);
    });
  }

  #change(change: Change): void {
    this.#changes.push(change);
    this.#pendingBytes += change.key.length + (change.value?.length ?? 0) + changeOverheadBytes;
    const table = this.#tables[change.bucket];
    const before = table.get(change.key);
    if (before !== undefined) this.#bytes -= recordBytes(change.key, before);
    if (change.value !== undefined) this.#bytes += recordBytes(change.key, change.value);
    if (change.value === undefined) table.delete(change.key);
    else {
      if (change.bucket === 'key' && this.#ordered !== undefined && !table.has(change.key)) this.#insert(change.key);
      table.set(change.key, change.value);
    }
  }

  #insert(key: string): void {
    if ((this.#ordered?.at(-1) ?? '') < key) this.#ordered?.push(key);
    else this.#ordered = undefined;
  }
}

function emptyTables(): Tables {
  return {
    key: new Map(),
    meta: new Map(),
    lease: new Map(),
    member: new Map(),
    alarm: new Map(),
    memberRemoved: new Map(),
    auth: new Map(),
    authUsers: new Map(),
    authRoles: new Map(),
  };
}

function recordBytes(key: string, value: Buffer): number {
  return key.length + value.length + changeOverheadBytes;
}

function bytesOf(tables: Tables): number {
  let bytes = 0;
  for (const bucket of buckets) for (const [key, value] of tables[bucket]) bytes += recordBytes(key, value);
  return bytes;
}

function copyTables(tables: Tables): Tables {
  const copy = emptyTables();
  for (const bucket of buckets) for (const [key, value] of tables[bucket]) copy[bucket].set(key, value);
  return copy;
}

function applyCommit(tables: Tables, { clear, changes }: Commit): void {
  if (clear) for (const bucket of buckets) tables[bucket].clear();
  for (const { bucket, key, value } of changes) {
    if (value === undefined) tables[bucket].delete(key);
    else tables[bucket].set(key, value);
  }
}

function* recordsOf(table: Table, keys: readonly string[]): Iterable<StoredRecord> {
  for (const key of keys) {
    const value = table.get(key);
    if (value !== undefined) yield { key: Buffer.from(key, 'latin1'), value };
  }
}

function firstAtLeast(ordered: readonly string[], key: string): number {
  let low = 0;
  let high = ordered.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((ordered[middle] ?? '') < key) low = middle + 1;
    else high = middle;
  }
  return low;
}

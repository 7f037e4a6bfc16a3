// Where revisions and the small records (leases, members, alarms, users and roles, marks) live. Writes are collected in memory, where
// reads find them, and reach the disk in one transaction per commit, beside the thread that serves; durability comes from the write-ahead log, which is applied again from the index that the
// last durable commit holds. After a crash the backend shows some commit, whole.

import type { LmdbPicture } from './lmdb-pages.ts';

export const buckets = ['key', 'meta', 'lease', 'member', 'alarm', 'memberRemoved', 'auth', 'authUsers', 'authRoles'] as const;
export type Bucket = (typeof buckets)[number];
export type RecordBucket = Exclude<Bucket, 'key'>;

export interface StoredRecord {
  readonly key: Buffer;
  readonly value: Buffer;
}

/** What all buckets held at one moment. */
export interface BackendSnapshot {
  entries(bucket: Bucket): Iterable<StoredRecord>;
  /** Where another thread finds it until it is released: the same, or what was committed since. Undefined where it is no file. */
  readonly picture?: LmdbPicture;
  release(): void;
}

/** The whole content of a backend to be. */
export interface BackendReplacement {
  /** Throws where the disk has no room. */
  load(bucket: Bucket, records: readonly StoredRecord[]): void;
  /**
   * Makes it survive a power failure, and then the content of the backend: what is read from within `changed` on is new, and what had
   * not been committed of the old content is gone. Until then nothing of it is seen. Where it rejects it is to be abandoned.
   */
  finish(changed: () => void): Promise<void>;
  /** Nothing came of it. */
  abandon(): Promise<void>;
}

export interface Backend {
  /** The stored key-value of a revision that is there; the bytes are the caller's. */
  get(main: number, sub: number): Buffer | undefined;
  /** The same for a glance: valid until the next call, and to be read with `length`, by index or with `copy` only. */
  peek(main: number, sub: number): Buffer | undefined;
  put(main: number, sub: number, tombstone: boolean, value: Buffer): void;
  remove(main: number, sub: number, tombstone: boolean): void;
  setRecord(bucket: RecordBucket, key: string, value: Uint8Array | undefined): void;
  records(bucket: RecordBucket): Iterable<StoredRecord>;
  /** Revisions from (from, fromSub) to main revision `to`, in order. Not to be interleaved with writes. */
  revisions(from: number, to: number, fromSub?: number): Iterable<StoredRecord>;
  /** Bytes of what is not committed yet. */
  readonly pendingBytes: number;
  /** Called at the start of every commit, to add its marks. */
  beforeCommit: () => void;
  /**
   * Writes what is pending, atomically: what is there when it is its turn, the one under way comes first. Rejects where the disk
   * refuses, and then always; nothing is lost, the log still has it.
   */
  commit(): Promise<void>;
  /** Makes the commits so far survive a power failure, also those under way. */
  sync(): Promise<void>;
  /** With what is pending. */
  snapshot(): BackendSnapshot;
  /** Of a commit that has everything until now, and for which another thread need not ask this one. */
  committedSnapshot(): Promise<BackendSnapshot>;
  /** Begins to collect what is to replace everything; what is there is read and written until that is finished. One at a time. */
  replace(): Promise<BackendReplacement>;
  /** Adds raw records to a new backend. */
  load(bucket: Bucket, records: readonly StoredRecord[]): void;
  /**
   * Gives the space of free pages back; reads and writes go on. Rejects where it had to be given up: nothing has changed then.
   * Calls while one runs share it.
   */
  defragment(): Promise<void>;
  sizes(): { readonly totalBytes: number; readonly inUseBytes: number };
  close(): Promise<void>;
}

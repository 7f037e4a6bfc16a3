// The disk as a port: what the write-ahead log, snapshots and small state files need, with durability said per call.

/** An open file. Offsets and lengths are bytes. */
export interface DiskFile {
  /** Writes all of `data` at `offset`; not durable before `sync` has returned. */
  write(data: Uint8Array, offset: number): Promise<void>;
  /** `write` and `sync` in one, where a disk has something faster for that; it covers only `data`. */
  writeDurably?(data: Uint8Array, offset: number): Promise<void>;
  /** Reads up to `length` bytes; fewer at the end of the file. */
  read(offset: number, length: number): Promise<Uint8Array>;
  /** Makes everything written before the call durable (fdatasync). */
  sync(): Promise<void>;
  /** Reserves space and sets the length, so that later syncs need not write metadata. */
  preallocate(length: number): Promise<void>;
  truncate(length: number): Promise<void>;
  size(): Promise<number>;
  close(): Promise<void>;
}

/** A folder. Names are relative and contain no `..`. Errors carry the errno code (`ENOENT`, `ENOSPC`, ...) as `code`. */
export interface Disk {
  /** `create` makes the file where it is missing, its name durable on return; without it, or without its folder, ENOENT. */
  open(name: string, mode: 'read' | 'write' | 'create'): Promise<DiskFile>;
  /** Replaces `name` with `data` such that a crash leaves the old or the new content, durable on return. */
  writeAtomic(name: string, data: Uint8Array): Promise<void>;
  /** Durable on return. */
  rename(from: string, to: string): Promise<void>;
  /** Durable on return. */
  remove(name: string): Promise<void>;
  /** Names directly in `folder`, sorted; empty where it does not exist. */
  list(folder: string): Promise<string[]>;
  /** With those above it. Where it is there already its name may not be durable yet; it is on return. */
  makeFolder(folder: string): Promise<void>;
}

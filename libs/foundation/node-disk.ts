// Adapter: a folder of this machine's file system.
import { close, constants, fdatasync, fstat, ftruncate, open, read, write } from 'node:fs';
import { mkdir, open as openHandle, readdir, rename, unlink } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import type { Disk, DiskFile } from './disk.ts';

const fileMode = 0o600;
const folderMode = 0o700;
const zerosBytes = 1 << 20;

const flagsOf = {
  read: constants.O_RDONLY,
  write: constants.O_RDWR,
  create: constants.O_RDWR | constants.O_CREAT,
} as const;

/** The real Disk. Construct it in `apps/*` and in tests that need real files only. */
export class NodeDisk implements Disk {
  readonly #root: string;

  constructor(root: string) {
    this.#root = root;
  }

  async open(name: string, mode: 'read' | 'write' | 'create'): Promise<DiskFile> {
    const path = this.#path(name);
    const fd = await promisify(open)(path, flagsOf[mode], fileMode);
    // A new file survives a crash only once its folder does.
    if (mode === 'create') await syncFolder(dirname(path));
    return new NodeFile(fd);
  }

  async writeAtomic(name: string, data: Uint8Array): Promise<void> {
    const temporary = `${name}.tmp`;
    const file = await this.open(temporary, 'create');
    try {
      await file.truncate(0);
      await file.write(data, 0);
      await file.sync();
    } finally {
      await file.close();
    }
    await this.rename(temporary, name);
  }

  async rename(from: string, to: string): Promise<void> {
    const [source, target] = [this.#path(from), this.#path(to)];
    await rename(source, target);
    await syncFolder(dirname(target));
    if (dirname(source) !== dirname(target)) await syncFolder(dirname(source));
  }

  async remove(name: string): Promise<void> {
    const path = this.#path(name);
    await unlink(path);
    await syncFolder(dirname(path));
  }

  async list(folder: string): Promise<string[]> {
    try {
      return (await readdir(this.#path(folder))).sort();
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
      throw error;
    }
  }

  async makeFolder(folder: string): Promise<void> {
    await makeFolderDurably(this.#path(folder), this.#root);
  }

  #path(name: string): string {
    return join(this.#root, name);
  }
}

/**
 * Makes `path` and what is missing above it. On return all names from `root`, which is `path` or above it, down to `path` survive a
 * power failure, also those that an earlier life has made and did not live to sync.
 */
export async function makeFolderDurably(path: string, root: string): Promise<void> {
  const first = await mkdir(path, { recursive: true, mode: folderMode });
  const [base, made] = [resolve(root), resolve(first ?? root)];
  const top = dirname(made.length < base.length ? made : base);
  for (let folder = resolve(path); folder !== top; ) {
    folder = dirname(folder);
    await syncFolder(folder).catch((error) => {
      // A folder above the root that this user may pass through and not read is not one that it has made anything in.
      if (folder !== top || error.code !== 'EACCES') throw error;
    });
  }
}

async function syncFolder(path: string): Promise<void> {
  const handle = await openHandle(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** On file descriptors with callbacks: measurably cheaper per call than FileHandle, and the log's writes are the hot path. */
class NodeFile implements DiskFile {
  readonly #fd: number;
  /** Opened again with O_DSYNC; undefined where that is not possible. */
  #durableFd: Promise<number | undefined> | undefined;

  constructor(fd: number) {
    this.#fd = fd;
  }

  write(data: Uint8Array, offset: number): Promise<void> {
    return this.#writeTo(this.#fd, data, offset);
  }

  /** One way through the thread pool instead of two, where the system lets a file be opened again for such writes. */
  async writeDurably(data: Uint8Array, offset: number): Promise<void> {
    // Under its number: the file may have got another name since.
    this.#durableFd ??= promisify(open)(`/proc/self/fd/${this.#fd}`, constants.O_WRONLY | constants.O_DSYNC).catch(
      () => undefined,
    );
    const durableFd = await this.#durableFd;
    if (durableFd !== undefined) return this.#writeTo(durableFd, data, offset);
    await this.write(data, offset);
    await this.sync();
  }

  async #writeTo(fd: number, data: Uint8Array, offset: number): Promise<void> {
    for (let done = 0; done < data.length; ) {
      done += await new Promise<number>((resolve, reject) => {
        write(fd, data, done, data.length - done, offset + done, (error, count) => (error ? reject(error) : resolve(count)));
      });
    }
  }

  async read(offset: number, length: number): Promise<Uint8Array> {
    const buffer = new Uint8Array(length);
    let done = 0;
    while (done < length) {
      const count = await new Promise<number>((resolve, reject) => {
        read(this.#fd, buffer, done, length - done, offset + done, (error, n) => (error ? reject(error) : resolve(n)));
      });
      if (count === 0) break;
      done += count;
    }
    return buffer.subarray(0, done);
  }

  sync(): Promise<void> {
    return new Promise((resolve, reject) => fdatasync(this.#fd, (error) => (error ? reject(error) : resolve())));
  }

  /**
   * Node has no fallocate: zeros are written, which reserves the space on every file system. Synced piece by piece: a sync of another
   * file waits for what the disk is being given, and all at once is 20 ms.
   */
  async preallocate(length: number): Promise<void> {
    const zeros = new Uint8Array(Math.min(zerosBytes, length));
    for (let at = await this.size(); at < length; at += zeros.length) {
      await this.write(zeros.subarray(0, Math.min(zeros.length, length - at)), at);
      await this.sync();
    }
  }

  async truncate(length: number): Promise<void> {
    await promisify(ftruncate)(this.#fd, length);
  }

  async size(): Promise<number> {
    return (await promisify(fstat)(this.#fd)).size;
  }

  async close(): Promise<void> {
    const durableFd = await this.#durableFd;
    if (durableFd !== undefined) await promisify(close)(durableFd);
    await promisify(close)(this.#fd);
  }
}

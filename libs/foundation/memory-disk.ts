// A disk in memory whose power can fail: what was not synced is gone, or there in part. For tests and the simulator.
import { dirname } from 'node:path';
import type { Disk, DiskFile } from './disk.ts';
import type { RandomStream } from './random.ts';

/** Writes reach a real disk in sectors; a write that power cuts short is torn at one. */
const sectorBytes = 512;

interface Change {
  readonly offset: number;
  /** Undefined: the length was set to `offset`. */
  readonly data: Uint8Array | undefined;
  /** By itself, whatever becomes of those before it. */
  readonly durable?: boolean;
}

interface Content {
  durable: Uint8Array;
  current: Uint8Array;
  /** Since the last sync, in order. */
  changes: Change[];
}

/** The errno-like failures that a test can ask for. */
export type DiskFault = 'ENOSPC' | 'EIO';

export class DiskFaultError extends Error {
  override readonly name = 'DiskFaultError';
  readonly code: string;

  constructor(code: string, message: string) {
    super(`${code}: ${message}`);
    this.code = code;
  }
}

/** Names are durable at once, as the port promises; contents only after `sync`. */
export class MemoryDisk implements Disk {
  readonly #files = new Map<string, Content>();
  readonly #folders = new Set<string>(['.']);
  /** Counts power failures: handles of an earlier life fail. */
  #life = 0;
  #on = true;
  /** Set to make every write (`ENOSPC`) or sync (`EIO`) fail. */
  fault: DiskFault | undefined;
  /** Number of `sync` calls so far, to see group commit at work. */
  syncs = 0;

  /**
   * Power fails: every call fails from now on, until `powerOn`. Without `random` everything that was not synced is lost; with it each such write is kept, lost, or torn at a
   * sector, independently, as a disk with a reordering cache would.
   */
  powerOff(random?: RandomStream): void {
    this.#life++;
    this.#on = false;
    for (const content of this.#files.values()) {
      let kept = content.durable;
      for (const change of content.changes) {
        const fate = change.durable === true ? 1 : (random?.int(3) ?? 0);
        if (fate === 0) continue;
        if (change.data === undefined) kept = resize(kept, change.offset);
        else if (fate === 1) kept = splice(kept, change.data, change.offset);
        else kept = splice(kept, change.data.subarray(0, tear(change, random)), change.offset);
      }
      content.durable = kept;
      content.current = kept.slice();
      content.changes = [];
    }
  }

  /** What survived can be read; files that were open before stay unusable. */
  powerOn(): void {
    this.#on = true;
  }

  async open(name: string, mode: 'read' | 'write' | 'create'): Promise<DiskFile> {
    this.#powered();
    let content = this.#files.get(name);
    if (content === undefined) {
      if (mode !== 'create') throw new DiskFaultError('ENOENT', `no such file, open '${name}'`);
      this.#needFolder(name);
      content = { durable: new Uint8Array(0), current: new Uint8Array(0), changes: [] };
      this.#files.set(name, content);
    }
    return this.#handle(content);
  }

  async writeAtomic(name: string, data: Uint8Array): Promise<void> {
    this.#powered();
    this.#check('ENOSPC');
    this.#needFolder(name);
    this.#files.set(name, { durable: data.slice(), current: data.slice(), changes: [] });
  }

  async rename(from: string, to: string): Promise<void> {
    this.#powered();
    const content = this.#files.get(from);
    if (content === undefined) throw new DiskFaultError('ENOENT', `no such file, rename '${from}'`);
    this.#needFolder(to);
    this.#files.delete(from);
    this.#files.set(to, content);
  }

  async remove(name: string): Promise<void> {
    this.#powered();
    if (!this.#files.delete(name)) throw new DiskFaultError('ENOENT', `no such file, remove '${name}'`);
  }

  async list(folder: string): Promise<string[]> {
    this.#powered();
    const prefix = folder === '' || folder === '.' ? '' : `${folder}/`;
    return [...this.#files.keys()]
      .filter((name) => name.startsWith(prefix) && !name.slice(prefix.length).includes('/'))
      .map((name) => name.slice(prefix.length))
      .sort();
  }

  async makeFolder(folder: string): Promise<void> {
    this.#powered();
    for (let path = folder; !this.#folders.has(path); path = dirname(path)) this.#folders.add(path);
  }

  #needFolder(name: string): void {
    const folder = dirname(name);
    if (!this.#folders.has(folder)) throw new DiskFaultError('ENOENT', `no such folder, '${folder}'`);
  }

  /** Flips the bits of one byte, durably: damage for tests. */
  corrupt(name: string, offset: number): void {
    const content = this.#files.get(name);
    if (content === undefined) throw new DiskFaultError('ENOENT', `no such file '${name}'`);
    for (const bytes of [content.durable, content.current]) bytes[offset] = (bytes[offset] ?? 0) ^ 0xff;
  }

  #powered(): void {
    if (!this.#on) throw new DiskFaultError('EIO', 'the power is off');
  }

  #check(fault: DiskFault): void {
    if (this.fault === fault) throw new DiskFaultError(fault, fault === 'ENOSPC' ? 'no space left on device' : 'i/o error');
  }

  #handle(content: Content): DiskFile {
    const life = this.#life;
    const alive = (): void => {
      this.#powered();
      if (life !== this.#life) throw new DiskFaultError('EBADF', 'the machine has restarted since the file was opened');
    };
    return {
      write: async (data, offset) => {
        alive();
        this.#check('ENOSPC');
        const copy = data.slice();
        content.current = splice(content.current, copy, offset);
        content.changes.push({ offset, data: copy });
      },
      writeDurably: async (data, offset) => {
        alive();
        this.#check('ENOSPC');
        const copy = data.slice();
        content.current = splice(content.current, copy, offset);
        if (this.fault === 'EIO') content.changes.push({ offset, data: copy });
        this.#check('EIO');
        this.syncs++;
        content.changes.push({ offset, data: copy, durable: true });
      },
      read: async (offset, length) => {
        alive();
        return content.current.slice(offset, offset + length);
      },
      sync: async () => {
        alive();
        this.#check('EIO');
        this.syncs++;
        for (const change of content.changes) {
          if (change.data === undefined) content.durable = resize(content.durable, change.offset);
          else content.durable = splice(content.durable, change.data, change.offset);
        }
        content.changes = [];
      },
      preallocate: async (length) => {
        alive();
        this.#check('ENOSPC');
        content.current = resize(content.current, Math.max(length, content.current.length));
        content.durable = content.current.slice();
        content.changes = [];
      },
      truncate: async (length) => {
        alive();
        content.current = resize(content.current, length);
        content.changes.push({ offset: length, data: undefined });
      },
      size: async () => content.current.length,
      close: async () => {},
    };
  }
}

function tear(change: Change, random: RandomStream | undefined): number {
  const length = change.data?.length ?? 0;
  const sectors = Math.floor(length / sectorBytes);
  return (random?.int(sectors + 1) ?? 0) * sectorBytes;
}

/** In place where it fits: files are preallocated, so this is the usual case. */
function splice(content: Uint8Array, data: Uint8Array, offset: number): Uint8Array {
  const target = resize(content, Math.max(content.length, offset + data.length));
  target.set(data, offset);
  return target;
}

function resize(content: Uint8Array, length: number): Uint8Array {
  if (length === content.length) return content;
  const resized = new Uint8Array(length);
  resized.set(content.subarray(0, Math.min(length, content.length)));
  return resized;
}

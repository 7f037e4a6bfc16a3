// A disk that outlives its machine's power, and the Disk port of a process on it. Every call takes time, and may be the last.
import { dirname } from 'node:path';
import type { Disk, DiskFile } from '@drydock/foundation/disk.ts';
import type { RandomStream } from '@drydock/foundation/random.ts';
import { FileContent } from './disk-file.ts';
import type { SimProcess } from './process.ts';
import { Tally } from './tally.ts';

/** What is wrong with a disk now. */
export interface DiskFaults {
  /** Writes that need space fail with ENOSPC. */
  full: boolean;
  /** The next syncs that fail with EIO. */
  failingSyncs: number;
  /** All times are this much longer. */
  slowness: number;
  /**
   * Most syncs return without having done anything, and a power failure takes all that was not synced: a disk that lies. No
   * design survives it; it is there to be caught.
   */
  lying: boolean;
}

export class DiskError extends Error {
  override readonly name = 'DiskError';
  readonly code: string;

  constructor(code: string, message: string) {
    super(`${code}: ${message}`);
    this.code = code;
  }
}

/** Usual times, microseconds. */
const operationUs = 20;
const syncUs = 400;

/** A call that has not returned: whether it happens when the process dies in it is a matter of luck. */
interface InFlight {
  readonly finish: () => void;
  readonly part: (() => void) | undefined;
}

export class SimDisk {
  readonly faults: DiskFaults = { full: false, failingSyncs: 0, slowness: 1, lying: false };
  readonly #files = new Map<string, FileContent>();
  readonly #folders = new Set<string>(['.']);
  readonly #random: RandomStream;
  readonly #tally: Tally;
  readonly #inFlight = new Set<InFlight>();

  constructor(random: RandomStream, tally = new Tally()) {
    this.#random = random;
    this.#tally = tally;
  }

  /** To be called when its process dies: what it had asked for happens, or does not, or does in part. */
  settle(): void {
    for (const { finish, part } of this.#inFlight) {
      const fate = this.#random.int(3);
      if (fate === 1) finish();
      else if (fate === 2 && part !== undefined) {
        this.#tally.add('call half done at a death');
        part();
      }
    }
    this.#inFlight.clear();
  }

  /** After `settle`: what was not synced is gone, or there in part. */
  losePower(): void {
    const random = this.faults.lying ? undefined : this.#random;
    for (const content of this.#files.values()) content.losePower(random, this.#tally);
  }

  names(): string[] {
    return [...this.#files.keys()].sort();
  }

  file(name: string): FileContent | undefined {
    return this.#files.get(name);
  }

  /** The port for one life of a process. */
  port(life: SimProcess): Disk {
    const call = <T>(label: string, us: number, effect: () => T, part?: () => void): Promise<T> =>
      this.#call(life, label, us, effect, part);
    const files = this.#files;
    return {
      open: (name, mode) =>
        call(`open ${name}`, operationUs, () => {
          let content = files.get(name);
          if (content === undefined) {
            if (mode !== 'create') throw new DiskError('ENOENT', `no such file, open '${name}'`);
            this.needSpace();
            this.#needFolder(name);
            content = new FileContent();
            files.set(name, content);
          }
          return this.#file(life, name, content);
        }),
      writeAtomic: (name, data) =>
        call(`replace ${name}`, syncUs, () => {
          this.needSpace();
          this.#needFolder(name);
          const content = new FileContent();
          content.write(data, 0);
          content.sync();
          files.set(name, content);
        }),
      rename: (from, to) =>
        call(`rename ${from} ${to}`, syncUs, () => {
          const content = files.get(from);
          if (content === undefined) throw new DiskError('ENOENT', `no such file, rename '${from}'`);
          this.#needFolder(to);
          files.delete(from);
          files.set(to, content);
        }),
      remove: (name) =>
        call(`remove ${name}`, syncUs, () => {
          if (!files.delete(name)) throw new DiskError('ENOENT', `no such file, remove '${name}'`);
        }),
      list: (folder) => call(`list ${folder}`, operationUs, () => namesIn(folder, files.keys())),
      makeFolder: (folder) =>
        call(`make ${folder}`, syncUs, () => {
          this.needSpace();
          for (let path = folder; !this.#folders.has(path); path = dirname(path)) this.#folders.add(path);
        }),
    };
  }

  #file(life: SimProcess, name: string, content: FileContent): DiskFile {
    const call = <T>(label: string, us: number, effect: () => T, part?: () => void): Promise<T> =>
      this.#call(life, `${label} ${name}`, us, effect, part);
    return {
      write: (data, offset) => {
        const copy = data.slice();
        return call(
          `write ${copy.length}@${offset}`,
          operationUs,
          () => {
            this.needSpace();
            content.write(copy, offset);
          },
          () => content.writePart(copy, offset, this.#random),
        );
      },
      writeDurably: (data, offset) => {
        const copy = data.slice();
        return call(
          `sync of ${copy.length}@${offset}`,
          syncUs,
          () => {
            this.needSpace();
            const fails = this.faults.failingSyncs > 0;
            if (fails || (this.faults.lying && this.#random.int(20) > 0)) content.write(copy, offset);
            else content.writeDurably(copy, offset);
            this.failSync();
          },
          () => content.writePart(copy, offset, this.#random),
        );
      },
      read: (offset, length) => call('read', operationUs, () => content.current.slice(offset, offset + length)),
      sync: () =>
        call('sync', syncUs, () => {
          this.failSync();
          if (!this.faults.lying || this.#random.int(20) === 0) content.sync();
        }),
      preallocate: (length) =>
        call('preallocate', syncUs, () => {
          if (length <= content.current.length) return;
          this.needSpace();
          content.truncate(length);
          content.sync();
        }),
      truncate: (length) => call('truncate', operationUs, () => content.truncate(length)),
      size: () => call('size', operationUs, () => content.current.length),
      close: () => call('close', operationUs, () => undefined),
    };
  }

  #needFolder(name: string): void {
    const folder = dirname(name);
    if (!this.#folders.has(folder)) throw new DiskError('ENOENT', `no such folder, '${folder}'`);
  }

  /** Throws while the disk is full. */
  needSpace(): void {
    if (!this.faults.full) return;
    this.#tally.add('no space');
    throw new DiskError('ENOSPC', 'no space left on device');
  }

  /** Throws where this sync is to fail. */
  failSync(): void {
    if (this.faults.failingSyncs === 0) return;
    this.faults.failingSyncs--;
    this.#tally.add('failed sync');
    throw new DiskError('EIO', 'i/o error, fdatasync');
  }

  /** What takes `us` on a disk in order, now. */
  timeOf(us: number): number {
    const { slowness } = this.faults;
    if (slowness > 1) this.#tally.add('slow disk call');
    return us * slowness;
  }

  #call<T>(life: SimProcess, label: string, us: number, effect: () => T, part?: () => void): Promise<T> {
    // A dead process gets no answer, not even a bad one.
    if (!life.alive) return new Promise(() => {});
    return new Promise((resolve, reject) => {
      const work: InFlight = {
        finish: () => {
          try {
            effect();
          } catch {
            // Nobody is there to be told.
          }
        },
        part,
      };
      this.#inFlight.add(work);
      const spread = 0.5 + this.#random.next() * 1.5;
      life.after(this.timeOf(us * spread), () => {
        life.effect(label.startsWith('sync') ? 'sync' : 'disk', () => {
          this.#inFlight.delete(work);
          life.world.note(`${life.name} disk ${label}`);
          try {
            resolve(effect());
          } catch (error) {
            reject(error);
          }
        });
      });
    });
  }
}

function namesIn(folder: string, names: Iterable<string>): string[] {
  const prefix = folder === '' || folder === '.' ? '' : `${folder}/`;
  return [...names]
    .filter((name) => name.startsWith(prefix) && !name.slice(prefix.length).includes('/'))
    .map((name) => name.slice(prefix.length))
    .sort();
}

// A disk of which one folder is on another disk.
import type { Disk, DiskFile } from './disk.ts';

export class MountedDisk implements Disk {
  readonly #base: Disk;
  readonly #folder: string;
  readonly #mounted: Disk;

  /** What is in `folder` is at the root of `mounted`. */
  constructor(base: Disk, folder: string, mounted: Disk) {
    this.#base = base;
    this.#folder = folder;
    this.#mounted = mounted;
  }

  open(name: string, mode: 'read' | 'write' | 'create'): Promise<DiskFile> {
    const { disk, path } = this.#place(name);
    return disk.open(path, mode);
  }

  writeAtomic(name: string, data: Uint8Array): Promise<void> {
    const { disk, path } = this.#place(name);
    return disk.writeAtomic(path, data);
  }

  rename(from: string, to: string): Promise<void> {
    const [source, target] = [this.#place(from), this.#place(to)];
    if (source.disk !== target.disk) throw new Error(`cannot rename ${from} to ${to}: they are on two disks`);
    return source.disk.rename(source.path, target.path);
  }

  remove(name: string): Promise<void> {
    const { disk, path } = this.#place(name);
    return disk.remove(path);
  }

  list(folder: string): Promise<string[]> {
    const { disk, path } = this.#place(folder);
    return disk.list(path);
  }

  makeFolder(folder: string): Promise<void> {
    const { disk, path } = this.#place(folder);
    return disk.makeFolder(path);
  }

  #place(name: string): { disk: Disk; path: string } {
    if (name === this.#folder) return { disk: this.#mounted, path: '.' };
    if (!name.startsWith(`${this.#folder}/`)) return { disk: this.#base, path: name };
    return { disk: this.#mounted, path: name.slice(this.#folder.length + 1) };
  }
}

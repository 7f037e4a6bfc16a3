// A disk that fails as it is told to: slow and failing syncs, no space, and the end of the process between two steps. For tests, soak
// runs and the lab, on real processes; the simulator has a disk of its own.
import type { Clock } from './clock.ts';
import type { Disk, DiskFile } from './disk.ts';
import { DiskFaultError } from './memory-disk.ts';

/** What is wrong, as of now. Only files whose names start with `path` are concerned (default: all). */
export interface DiskFaults {
  readonly path?: string;
  /** Every sync takes so much longer. */
  readonly syncDelayMs?: number;
  /** Every sync fails (EIO). */
  readonly failSync?: boolean;
  /** Every write and every new file fails (ENOSPC), as on a file system that copies on write. */
  readonly full?: boolean;
  /** The process ends there, without any clean-up. */
  readonly crashAt?: DiskPoint;
}

/** Places between the steps by which something becomes durable. */
export type DiskPoint = 'beforeWrite' | 'beforeSync' | 'afterSync' | 'beforeRename' | 'afterRename' | 'beforeRemove';

export interface FaultyDiskPorts {
  readonly clock: Clock;
  /** Asked at every operation, so that faults come and go. */
  readonly faults: () => DiskFaults;
  /** Must not return. */
  readonly crash: (point: DiskPoint) => void;
}

export class FaultyDisk implements Disk {
  readonly #disk: Disk;
  readonly #ports: FaultyDiskPorts;

  constructor(disk: Disk, ports: FaultyDiskPorts) {
    this.#disk = disk;
    this.#ports = ports;
  }

  async open(name: string, mode: 'read' | 'write' | 'create'): Promise<DiskFile> {
    if (mode === 'create') this.#needSpace(name);
    return new FaultyFile(await this.#disk.open(name, mode), name, this.#ports, (of) => this.#needSpace(of));
  }

  async writeAtomic(name: string, data: Uint8Array): Promise<void> {
    this.#needSpace(name);
    reach(this.#ports, name, 'beforeWrite');
    await sync(this.#ports, name, () => this.#disk.writeAtomic(name, data));
  }

  async rename(from: string, to: string): Promise<void> {
    reach(this.#ports, to, 'beforeRename');
    await this.#disk.rename(from, to);
    reach(this.#ports, to, 'afterRename');
  }

  async remove(name: string): Promise<void> {
    reach(this.#ports, name, 'beforeRemove');
    await this.#disk.remove(name);
  }

  list(folder: string): Promise<string[]> {
    return this.#disk.list(folder);
  }

  async makeFolder(folder: string): Promise<void> {
    this.#needSpace(folder);
    await this.#disk.makeFolder(folder);
  }

  #needSpace(name: string): void {
    if (faultsOf(this.#ports, name).full === true)
      throw new DiskFaultError('ENOSPC', `no space left on device, write '${name}'`);
  }
}

class FaultyFile implements DiskFile {
  readonly #file: DiskFile;
  readonly #name: string;
  readonly #ports: FaultyDiskPorts;
  readonly #needSpace: (name: string) => void;

  constructor(file: DiskFile, name: string, ports: FaultyDiskPorts, needSpace: (name: string) => void) {
    this.#file = file;
    this.#name = name;
    this.#ports = ports;
    this.#needSpace = needSpace;
  }

  async write(data: Uint8Array, offset: number): Promise<void> {
    this.#needSpace(this.#name);
    reach(this.#ports, this.#name, 'beforeWrite');
    await this.#file.write(data, offset);
  }

  /** What fails or ends in its sync has been written. */
  async writeDurably(data: Uint8Array, offset: number): Promise<void> {
    this.#needSpace(this.#name);
    reach(this.#ports, this.#name, 'beforeWrite');
    const { failSync, crashAt } = faultsOf(this.#ports, this.#name);
    const parted = failSync === true || crashAt === 'beforeSync' || this.#file.writeDurably === undefined;
    if (parted) await this.#file.write(data, offset);
    await sync(this.#ports, this.#name, () =>
      parted ? this.#file.sync() : (this.#file.writeDurably?.(data, offset) ?? Promise.resolve()),
    );
  }

  async preallocate(length: number): Promise<void> {
    this.#needSpace(this.#name);
    await this.#file.preallocate(length);
  }

  sync(): Promise<void> {
    return sync(this.#ports, this.#name, () => this.#file.sync());
  }

  read(offset: number, length: number): Promise<Uint8Array> {
    return this.#file.read(offset, length);
  }

  truncate(length: number): Promise<void> {
    return this.#file.truncate(length);
  }

  size(): Promise<number> {
    return this.#file.size();
  }

  close(): Promise<void> {
    return this.#file.close();
  }
}

function faultsOf(ports: FaultyDiskPorts, name: string): DiskFaults {
  const faults = ports.faults();
  return name.startsWith(faults.path ?? '') ? faults : {};
}

function reach(ports: FaultyDiskPorts, name: string, point: DiskPoint): void {
  if (faultsOf(ports, name).crashAt === point) ports.crash(point);
}

async function sync(ports: FaultyDiskPorts, name: string, really: () => Promise<void>): Promise<void> {
  reach(ports, name, 'beforeSync');
  const { syncDelayMs = 0, failSync = false } = faultsOf(ports, name);
  if (syncDelayMs > 0) await ports.clock.sleep(syncDelayMs);
  if (failSync) throw new DiskFaultError('EIO', `i/o error, sync '${name}'`);
  await really();
  reach(ports, name, 'afterSync');
}

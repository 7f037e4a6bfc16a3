// The disk-fault switch of tests and the lab: DRYDOCK_DISK_FAULTS names a file of JSON (see README.md), which is read again whenever
// it changes, so that a disk can become slow, full or broken while the member runs.
import { readFileSync, statSync } from 'node:fs';
import process from 'node:process';
import type { BackendPoint } from '@drydock/etcd/mvcc/lmdb-backend.ts';
import type { Clock } from '@drydock/foundation/clock.ts';
import type { Disk } from '@drydock/foundation/disk.ts';
import { type DiskFaults, type DiskPoint, FaultyDisk } from '@drydock/foundation/faulty-disk.ts';

interface Faults extends Omit<DiskFaults, 'crashAt'> {
  readonly crashAt?: DiskPoint | BackendPoint;
}

export interface FaultyStorage {
  readonly disk: Disk;
  /** To be told of every step of the backend. */
  readonly reached: (point: BackendPoint) => void;
}

/** Without `file` nothing ever fails. */
export function withDiskFaults(disk: Disk, clock: Clock, file: string | undefined): FaultyStorage {
  if (file === undefined) return { disk, reached: () => {} };
  const faults = faultsFrom(file);
  const crash = (): void => {
    process.kill(process.pid, 'SIGKILL');
  };
  const diskFaults = (): DiskFaults => faults() as DiskFaults;
  return {
    disk: new FaultyDisk(disk, { clock, faults: diskFaults, crash }),
    reached: (point) => {
      if (faults().crashAt === point) crash();
    },
  };
}

/** As the file says now; nothing while it is missing, what it said last while it is being written. */
function faultsFrom(file: string): () => Faults {
  let changedMs = 0;
  let faults: Faults = {};
  return () => {
    const stat = statSync(file, { throwIfNoEntry: false });
    if (stat === undefined) return {};
    if (stat.mtimeMs === changedMs) return faults;
    try {
      faults = JSON.parse(readFileSync(file, 'utf8')) as Faults;
      changedMs = stat.mtimeMs;
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
    }
    return faults;
  };
}

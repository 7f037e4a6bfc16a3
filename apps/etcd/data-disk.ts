// Where a member's files are.
import { walFolder } from '@drydock/etcd/raft/options.ts';
import type { Disk } from '@drydock/foundation/disk.ts';
import { MountedDisk } from '@drydock/foundation/mounted-disk.ts';
import { NodeDisk } from '@drydock/foundation/node-disk.ts';

/** `walDir`: where the log is, if not among the other data. */
export function dataDisk(dataDir: string, walDir: string): Disk {
  const disk = new NodeDisk(dataDir);
  return walDir === '' ? disk : new MountedDisk(disk, walFolder, new NodeDisk(walDir));
}

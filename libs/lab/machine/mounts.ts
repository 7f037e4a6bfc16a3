// Adapter: takes mounts off.
import { mountPointsBelow } from '@drydock/foundation/mount-table.ts';
import { succeeds } from './spawn.ts';

/** Unmounts everything below the folders, deepest first; lazily, because a dying process may still stand in one. */
export async function unmountBelow(folders: readonly string[]): Promise<void> {
  const batch = 100;
  const mounts = folders.flatMap(mountPointsBelow);
  for (let i = 0; i < mounts.length; i += batch) await succeeds(['umount', '-l', '--', ...mounts.slice(i, i + batch)]);
}

// Adapter: takes mounts off.
import { mountPointsBelow } from '@drydock/foundation/mount-table.ts';
import { RemoveTreeError, removeTree } from '@drydock/foundation/remove-tree.ts';
import { LabError } from '../errors.ts';
import { succeeds } from './spawn.ts';

/** Arguments of one command. */
const batch = 100;

/**
 * Unmounts everything below the folders, deepest first; lazily, because a dying process may still stand in one. Nothing elsewhere
 * goes with it: before, each is made private, for a bind mount (a subPath of a pod) is a peer of what it was made of.
 */
export async function unmountBelow(folders: readonly string[]): Promise<void> {
  const mounts = folders.flatMap(mountPointsBelow);
  const alone = ['sh', '-c', 'for each do mount --make-private "$each"; done', 'sh'];
  for (const command of [alone, ['umount', '-l', '--']])
    for (let i = 0; i < mounts.length; i += batch) await succeeds([...command, ...mounts.slice(i, i + batch)]);
}

/** What a reboot clears: mounts in `dir`, and `state` with its content. Throws LabError, and removes nothing, where a mount is left. */
export async function clearAsReboot(dir: string, state: string): Promise<void> {
  await unmountBelow([dir, state]);
  await removeTree(state).catch((error: unknown) => {
    throw error instanceof RemoveTreeError ? new LabError('conflict', error.message) : error;
  });
}

// Adapter: removes a folder with everything in it, also as root in a place where others write while it does. How is
// beneath/remove.ts; here is what it is asked for by path, and a refusal before anything is gone where something is mounted.
import { basename, dirname } from 'node:path';
import { Directory } from './beneath/directory.ts';
import { BeneathError, systemCode } from './beneath/errors.ts';
import { removeTree as removeBeneath } from './beneath/remove.ts';
import { mountPointsBelow } from './mount-table.ts';

/** Something is in the way that must not be removed; `path` is what. What was removed before it was met stays removed. */
export class RemoveTreeError extends Error {
  override readonly name = 'RemoveTreeError';
  readonly path: string;

  constructor(path: string, reason: string, options?: ErrorOptions) {
    super(`${path}: ${reason}`, options);
    this.path = path;
  }
}

const mounted = 'something is mounted there';

/**
 * Removes `path`: a file, a link (not what it points at) or a folder with its content, however deep. Fine where there is nothing.
 * The folder above it must be one that only the caller's own user changes, and no link. Rejects with RemoveTreeError, before
 * anything is removed, where something is mounted below it, and with the system's error where an entry cannot be removed.
 */
export async function removeTree(path: string): Promise<void> {
  const [first] = mountPointsBelow(path);
  if (first !== undefined) throw new RemoveTreeError(first, mounted);
  const above = await openAbove(path).catch((error: unknown) => {
    if (systemCode(error) === 'ENOENT') return undefined;
    throw error;
  });
  if (above === undefined) return;
  await using _ = above;
  await removeBeneath(above, basename(path)).catch((error: unknown) => {
    const isMount = error instanceof BeneathError && error.code === 'mount';
    throw isMount ? new RemoveTreeError(path, mounted, { cause: error }) : error;
  });
}

async function openAbove(path: string): Promise<Directory> {
  const folder = dirname(path);
  if (dirname(folder) === folder) return Directory.open(folder);
  await using outer = await Directory.open(dirname(folder));
  return await outer.enter(basename(folder), { crossMounts: true });
}

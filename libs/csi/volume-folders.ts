// Adapter: folders of volumes on this machine. What is in them is written by containers: it is reached through open directories only.
import { open, realpath, statfs } from 'node:fs/promises';
import { Directory } from '@drydock/foundation/beneath/directory.ts';
import { systemCode } from '@drydock/foundation/beneath/errors.ts';
import { allMounts, type MountPoint } from '@drydock/foundation/beneath/mount-table.ts';
import { removeTree } from '@drydock/foundation/beneath/remove.ts';
import type { VolumeFolders } from './volume-store.ts';

/** Any user of any container may write, as to a disk of its own; who wants less says so by fsGroup or changes the mode. */
const volumeMode = 0o777;

export class LocalVolumeFolders implements VolumeFolders {
  readonly #root: string;

  /** `root`: a folder of this program's own, in which others have no names; it is there. Its real path. */
  constructor(root: string) {
    this.#root = root;
  }

  async make(id: string): Promise<void> {
    await using root = await Directory.open(this.#root);
    try {
      await using _ = await root.create(id, { mode: volumeMode });
    } catch (error) {
      if (systemCode(error) !== 'EEXIST') throw error;
    }
    await this.#sync();
  }

  async has(id: string): Promise<boolean> {
    await using root = await Directory.open(this.#root);
    return root.has(id);
  }

  async list(): Promise<string[]> {
    await using root = await Directory.open(this.#root);
    const names: string[] = [];
    for await (const { name, isDirectory } of root.entries()) if (isDirectory) names.push(name.toString());
    return names;
  }

  async remove(id: string): Promise<void> {
    await using root = await Directory.open(this.#root);
    await removeTree(root, id);
    await this.#sync();
  }

  async removeEmpty(id: string): Promise<void> {
    await using root = await Directory.open(this.#root);
    await root.rmdir(id);
  }

  async mountsOf(id: string): Promise<readonly string[]> {
    const mounts = allMounts();
    const [device, path] = placeOf(await realpath(this.#root), mounts) ?? [];
    if (device === undefined || path === undefined) return [];
    const own = `${path === '/' ? '' : path}/${id}`;
    return mounts.flatMap(({ device: on, root, point }) => (on === device && root === own ? [point] : []));
  }

  async freeBytes(): Promise<number> {
    const { bavail, bsize } = await statfs(this.#root);
    return bavail * bsize;
  }

  /** Opens the folder of a volume. Throws the system's ENOENT. */
  async enter(id: string): Promise<Directory> {
    await using root = await Directory.open(this.#root);
    return await root.enter(id);
  }

  /** A name that was made or removed survives a power failure. */
  async #sync(): Promise<void> {
    const handle = await open(this.#root, 'r');
    await handle.sync().finally(() => handle.close());
  }
}

/** On which file system a real path is, and where in it; undefined where no mount is known. */
function placeOf(real: string, mounts: readonly MountPoint[]): readonly [string, string] | undefined {
  const path = Buffer.from(real).toString('latin1');
  let best: MountPoint | undefined;
  for (const mount of mounts) {
    const isAbove = mount.point === '/' || path === mount.point || path.startsWith(`${mount.point}/`);
    if (isAbove && mount.point.length >= (best?.point.length ?? 0)) best = mount;
  }
  if (best === undefined) return undefined;
  const below = best.point === '/' ? path : path.slice(best.point.length);
  return [best.device, `${best.root === '/' ? '' : best.root}${below}` || '/'];
}

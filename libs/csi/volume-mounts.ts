// Adapter: mounts the folder of a volume where the kubelet wants it, and takes it off again. Folders of the kubelet's are its own: only
// root writes their names. What is mounted there is a container's.
import { statfs } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { Directory, mountIdOf } from '@drydock/foundation/beneath/directory.ts';
import { BeneathError, systemCode } from '@drydock/foundation/beneath/errors.ts';
import { allMounts } from '@drydock/foundation/beneath/mount-table.ts';
import { bindMount, makeReadOnly, unmountAt } from '@drydock/foundation/beneath/mounting.ts';
import type { Usage, VolumeMounts } from './node.ts';
import type { LocalVolumeFolders } from './volume-folders.ts';

export class LocalVolumeMounts implements VolumeMounts {
  readonly #folders: LocalVolumeFolders;

  constructor(folders: LocalVolumeFolders) {
    this.#folders = folders;
  }

  async mountedAt(id: string, target: string): Promise<'nothing' | 'other' | 'read-only' | 'writable'> {
    const parent = await openIfThere(dirname(target));
    if (parent === undefined) return 'nothing';
    await using _ = parent;
    const entry = await reachIfThere(parent, basename(target));
    if (entry === undefined) return 'nothing';
    await using __ = entry;
    const mountId = await mountIdOf(entry);
    if (mountId === parent.mountId) return 'nothing';
    await using volume = await this.#folders.enter(id);
    const [found, own] = [await entry.stat(), await volume.handle.stat()];
    if (found.dev !== own.dev || found.ino !== own.ino) return 'other';
    return allMounts().some(({ id: each, isReadOnly }) => each === mountId && isReadOnly) ? 'read-only' : 'writable';
  }

  async mount(id: string, target: string, isReadOnly: boolean): Promise<void> {
    await using volume = await this.#folders.enter(id);
    await using parent = await Directory.open(dirname(target));
    const name = basename(target);
    await using over = await parent.make(name);
    await bindMount(volume.handle, over.handle);
    if (!isReadOnly) return;
    await using mounted = await parent.reach(name);
    await makeReadOnly(mounted);
  }

  async unmount(target: string): Promise<void> {
    const parent = await openIfThere(dirname(target));
    if (parent === undefined) return;
    await using _ = parent;
    const name = basename(target);
    if (!(await parent.has(name))) return;
    await unmountAt(parent, name);
    await parent.rmdir(name);
  }

  async usage(target: string): Promise<Usage> {
    const { bavail, blocks, bfree, bsize, ffree, files } = await statfs(target);
    return {
      bytes: { available: bavail * bsize, total: blocks * bsize, used: (blocks - bfree) * bsize },
      inodes: { available: ffree, total: files, used: files - ffree },
    };
  }
}

async function openIfThere(path: string): Promise<Directory | undefined> {
  return Directory.open(path).catch(nothingIfMissing);
}

async function reachIfThere(parent: Directory, name: string) {
  return parent.reach(name).catch(nothingIfMissing);
}

function nothingIfMissing(error: unknown): undefined {
  if (systemCode(error) === 'ENOENT' || (error instanceof BeneathError && error.code === 'name')) return undefined;
  throw error;
}

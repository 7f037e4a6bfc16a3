// A part of a volume as a mount of its own, so that a link in the volume cannot lead out of it, neither now nor by being
// exchanged later (pkg/volume/util/subpath): every step is opened without following links, and what was opened is mounted.
import { join } from 'node:path';
import { Directory, mountIdOf } from '@drydock/foundation/beneath/directory.ts';
import { BeneathError, systemCode } from '@drydock/foundation/beneath/errors.ts';
import { removeTree } from '@drydock/foundation/beneath/remove.ts';
import { resolveBeneath } from '@drydock/foundation/beneath/resolve.ts';
import type { Mounter } from './mounter.ts';
import type { PodFolders } from './pod-folders.ts';

/** Of a pod's folder. */
export const subPathsFolder = 'volume-subpaths';

/** The text is that of the container's waiting state. */
export class SubPathError extends Error {
  override readonly name = 'SubPathError';
}

export interface SubPathRequest {
  readonly uid: string;
  /** Where the volume is. */
  readonly volume: string;
  readonly volumeName: string;
  readonly container: string;
  /** Which of the container's volumeMounts. */
  readonly index: number;
  readonly subPath: string;
}

/** Throws SubPathError where the path is absolute or steps back. */
export function checkSubPath(subPath: string): void {
  if (subPath.startsWith('/')) throw new SubPathError(`subPath "${subPath}" must be a relative path`);
  if (subPath.split('/').includes('..')) throw new SubPathError(`subPath "${subPath}" must not contain '..'`);
}

/**
 * Makes what is missing of the path, as folders with the volume's mode, and mounts what is there now at
 * `volume-subpaths/VOLUME/CONTAINER/INDEX` of the pod's folder; gives that path. What was mounted there before, and is no longer
 * what the path names (a config map has changed), is taken off. Throws SubPathError, or MountError.
 */
export async function bindSubPath(folders: PodFolders, mounter: Mounter, request: SubPathRequest): Promise<string> {
  const { uid, volume, volumeName, container, index, subPath } = request;
  try {
    await using root = await Directory.open(volume);
    await using source = await resolveBeneath(root, subPath, true);
    if (!mounter.mounts) return join(volume, subPath);
    const parts = [subPathsFolder, volumeName, container];
    await folders.within(uid, parts, (at) => bindOnce(at, `${index}`, source, mounter));
    return join(folders.path(uid), ...parts, `${index}`);
  } catch (error) {
    if (!(error instanceof BeneathError) && systemCode(error) === '') throw error;
    const what = `failed to prepare subPath for volumeMount "${volumeName}" of container "${container}"`;
    throw new SubPathError(`${what}: ${(error as Error).message}`, { cause: error });
  }
}

async function bindOnce(
  at: Directory,
  name: string,
  source: Awaited<ReturnType<Directory['reach']>>,
  mounter: Mounter,
): Promise<void> {
  const wanted = await source.stat();
  if (await at.has(name)) {
    await using present = await at.reach(name);
    const found = await present.stat();
    const isMounted = (await mountIdOf(present)) !== at.mountId;
    if (isMounted && found.dev === wanted.dev && found.ino === wanted.ino && found.nlink > 0) return;
  }
  if (await at.has(name)) await mounter.unmount(at, name);
  await removeTree(at, name);
  if (wanted.isDirectory()) await (await at.make(name)).close();
  else await at.createFile(name, Buffer.alloc(0), { mode: 0o640 });
  await using target = await at.reach(name);
  await mounter.bind(source, target);
}

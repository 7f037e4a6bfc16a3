// The port to what is mounted for volumes, and its two adapters.
import type { FileHandle } from 'node:fs/promises';
import { type Directory, mountIdOf, type Name } from '@drydock/foundation/beneath/directory.ts';
import {
  bindMount,
  MountError,
  mountNetwork,
  mountTmpfs,
  type NetworkMount,
  unmountAt,
  unmountBelow,
} from '@drydock/foundation/beneath/mounting.ts';

/** Every call fails with MountError. */
export interface Mounter {
  /** Whether files and folders are given to users and groups. */
  readonly givesAway: boolean;
  /** Whether anything is mounted at all; where not, memory is disk and a part of a volume is its path. */
  readonly mounts: boolean;
  /** Mounts memory over a directory. `sizeBytes`: undefined for as much as the system allows. */
  tmpfs(directory: Directory, sizeBytes: number | undefined): Promise<void>;
  bind(source: FileHandle, target: FileHandle): Promise<void>;
  /** Mounts what other machines have over a directory; given up when `signal` aborts. */
  network(directory: Directory, mount: NetworkMount, signal: AbortSignal | undefined): Promise<void>;
  /** What is mounted at that entry, all of it. */
  unmount(parent: Directory, name: Name): Promise<void>;
  /** Resolves when nothing is mounted below `folder`. */
  unmountBelow(folder: string): Promise<void>;
}

/** Whether something is mounted at that entry; where nothing ever is, as if. */
export async function isMounted(parent: Directory, name: string, { mounts }: Mounter): Promise<boolean> {
  if (!mounts) return true;
  await using entry = await parent.reach(name);
  return (await mountIdOf(entry)) !== parent.mountId;
}

/** Mounts for real, as root. */
export function hostMounter(): Mounter {
  // Secrets are to reach no disk; kernels before 6.4 cannot promise that of swap.
  let mayForbidSwap = true;
  return {
    givesAway: true,
    mounts: true,
    async tmpfs(directory, sizeBytes) {
      const size = sizeBytes === undefined ? [] : [`size=${sizeBytes}`];
      if (mayForbidSwap) {
        try {
          return await mountTmpfs(directory, [...size, 'noswap']);
        } catch (error) {
          if (!(error instanceof MountError)) throw error;
        }
        await mountTmpfs(directory, size);
        mayForbidSwap = false;
      } else await mountTmpfs(directory, size);
    },
    bind: bindMount,
    network: mountNetwork,
    unmount: unmountAt,
    unmountBelow,
  };
}

/** For the hollow engine: nobody looks into the volumes, and the kubelet need not be root. */
export const hollowMounter: Mounter = {
  givesAway: false,
  mounts: false,
  tmpfs: async () => {},
  bind: async () => {},
  network: async () => {},
  unmount: async () => {},
  unmountBelow: async () => {},
};

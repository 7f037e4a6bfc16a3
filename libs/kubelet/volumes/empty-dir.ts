// emptyDir volumes: on the disk, or in memory (pkg/volume/emptydir).
import type { Pod } from '@drydock/api/generated/types.ts';
import type { Directory } from '@drydock/foundation/beneath/directory.ts';
import { systemCode } from '@drydock/foundation/beneath/errors.ts';
import { podValues } from '../container/cgroup-plan.ts';
import { wholeUnits } from '../container/resources.ts';
import { isMounted, type Mounter } from './mounter.ts';
import { fsGroupOf, sharedFolderMode } from './ownership.ts';

export interface EmptyDirRequest {
  readonly pod: Pod;
  readonly medium: string;
  readonly sizeLimit: string | undefined;
  /** What the node has for pods; undefined: nobody knows. */
  readonly allocatableMemory: string | undefined;
}

/** What tmpfs gives its root: anyone writes, everyone removes only what is his own. */
const memoryMode = 0o1777;
const diskMode = 0o777;

/**
 * Makes the folder `name` of `plugin`. `ready` is where it is noted that it is whole: killed before that, it is made again. Its
 * containers may have changed its mode since: then it is left as it is.
 */
export async function makeEmptyDir(
  plugin: Directory,
  name: string,
  ready: Directory,
  mounter: Mounter,
  request: EmptyDirRequest,
): Promise<void> {
  const inMemory = request.medium === 'Memory';
  if (!inMemory && request.medium !== '') throw new Error(`unknown storage medium "${request.medium}"`);
  const attributes = attributesOf(request.pod, inMemory ? memoryMode : diskMode, mounter);
  await (await plugin.make(name, undefined, { crossMounts: inMemory })).close();
  if ((await ready.has('ready')) && (!inMemory || (await isMounted(plugin, name, mounter)))) return;
  if (inMemory) await mountMemory(plugin, name, mounter, request);
  await using made = await plugin.enter(name, { crossMounts: inMemory });
  await made.setAttributes(attributes);
  await ready.createFile('ready', Buffer.alloc(0), { mode: 0o640 }).catch((error: unknown) => {
    if (systemCode(error) !== 'EEXIST') throw error;
  });
}

/** Mounts memory over `name`, once. */
export async function mountMemory(
  plugin: Directory,
  name: string,
  mounter: Mounter,
  request: Omit<EmptyDirRequest, 'medium'>,
): Promise<void> {
  await (await plugin.make(name, undefined, { crossMounts: true })).close();
  if (!mounter.mounts || (await isMounted(plugin, name, mounter))) return;
  await using bare = await plugin.enter(name);
  await mounter.tmpfs(bare, memorySize(request));
}

function attributesOf(pod: Pod, mode: number, { givesAway }: Mounter): { mode: number; gid: number | undefined } {
  const group = fsGroupOf(pod);
  return { mode: sharedFolderMode(mode, group), gid: givesAway ? group : undefined };
}

/** Bytes: what the pod may use of the node's memory, or the volume's own limit where that is less. */
export function memorySize({ pod, sizeLimit, allocatableMemory }: Omit<EmptyDirRequest, 'medium'>): number | undefined {
  const limits = [
    allocatableMemory === undefined ? 0 : wholeUnits(allocatableMemory),
    podValues(pod).memoryBytes ?? 0,
    wholeUnits(sizeLimit),
  ];
  const given = limits.filter((bytes) => bytes > 0);
  return given.length === 0 ? undefined : Math.min(...given);
}

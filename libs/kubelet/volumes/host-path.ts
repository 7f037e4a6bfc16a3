// hostPath volumes: what the pod's author asked for on the node itself (pkg/volume/hostpath). Links are followed, as in any path
// that somebody with the right to name it writes; nothing of it lies below a pod's folder.
import type { Stats } from 'node:fs';
import { mkdir, stat, writeFile } from 'node:fs/promises';
import { systemCode } from '@drydock/foundation/beneath/errors.ts';
import { VolumeError } from './payload.ts';

/** What is to be there, by type, and how it is called where something else is. */
const types: Readonly<Record<string, { readonly is: (found: Stats) => boolean; readonly called: string }>> = {
  Directory: { is: (found) => found.isDirectory(), called: 'directory' },
  DirectoryOrCreate: { is: (found) => found.isDirectory(), called: 'directory' },
  File: { is: (found) => found.isFile(), called: 'file' },
  FileOrCreate: { is: (found) => found.isFile(), called: 'file' },
  Socket: { is: (found) => found.isSocket(), called: 'socket file' },
  CharDevice: { is: (found) => found.isCharacterDevice(), called: 'character device' },
  BlockDevice: { is: (found) => found.isBlockDevice(), called: 'block device' },
};

/** Gives the path. Throws VolumeError where what is there is not of that type, and what the system says where it cannot be made. */
export async function makeHostPath(path: string, type: string): Promise<string> {
  if (type === '') return path;
  const wanted = types[type];
  if (wanted === undefined) throw new VolumeError(`${type} is an invalid volume type`);
  const found = await stat(path).catch((error: unknown) => {
    if (['ENOENT', 'ENOTDIR'].includes(systemCode(error))) return undefined;
    throw error;
  });
  if (found === undefined && type === 'DirectoryOrCreate') await mkdir(path, { recursive: true, mode: 0o755 });
  else if (found === undefined && type === 'FileOrCreate') await writeFile(path, '', { flag: 'a', mode: 0o644 });
  else if (found === undefined || !wanted.is(found))
    throw new VolumeError(`hostPath type check failed: ${path} is not a ${wanted.called}`);
  return path;
}

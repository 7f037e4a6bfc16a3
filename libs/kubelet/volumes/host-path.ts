// hostPath volumes: what the pod's author asked for on the node itself (pkg/volume/hostpath). Links are followed, as in any path
// that somebody with the right to name it writes; nothing of it lies below a pod's folder.
import { mkdir, stat, writeFile } from 'node:fs/promises';
import { VolumeError } from './payload.ts';

/** Gives the path. Throws VolumeError where what is there is not of that type. */
export async function makeHostPath(path: string, type: string): Promise<string> {
  if (type === '') return path;
  if (type === 'DirectoryOrCreate') await mkdir(path, { recursive: true, mode: 0o755 });
  if (type === 'FileOrCreate') await writeFile(path, '', { flag: 'a', mode: 0o644 });
  const found = await stat(path).catch(() => undefined);
  const expected: Record<string, boolean | undefined> = {
    Directory: found?.isDirectory(),
    DirectoryOrCreate: found?.isDirectory(),
    File: found?.isFile(),
    FileOrCreate: found?.isFile(),
    Socket: found?.isSocket(),
    CharDevice: found?.isCharacterDevice(),
    BlockDevice: found?.isBlockDevice(),
  };
  if (expected[type] !== true)
    throw new VolumeError(`hostPath type check failed: ${path} is not a ${type.replace('OrCreate', '').toLowerCase()}`);
  return path;
}

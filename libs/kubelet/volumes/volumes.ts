// Adapter: makes a pod's volumes on this host and takes them away.
import { execFile } from 'node:child_process';
import { chmod, chown, mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import type { Pod, Volume } from '@drydock/api/generated/types.ts';
import { wholeUnits } from '../container/resources.ts';
import { writeAtomically } from './atomic-writer.ts';
import type { Claims } from './claims.ts';
import {
  configMapFiles,
  defaultFileMode,
  downwardFiles,
  type PayloadContext,
  projectedFiles,
  secretFiles,
  VolumeError,
} from './payload.ts';

const run = promisify(execFile);

export class Volumes {
  readonly #rootDir: string;
  readonly #claims: Claims;

  constructor(rootDir: string, claims: Claims) {
    this.#rootDir = rootDir;
    this.#claims = claims;
  }

  podFolder(uid: string): string {
    return `${this.#rootDir}/pods/${uid}`;
  }

  /** Makes (or refreshes) all volumes; gives the host path of each. Throws VolumeError. */
  async prepare(context: PayloadContext): Promise<Map<string, string>> {
    const paths = new Map<string, string>();
    const uid = context.pod.metadata?.uid ?? '';
    for (const volume of context.pod.spec?.volumes ?? []) {
      try {
        paths.set(volume.name, await this.#make(uid, volume, context));
      } catch (error) {
        throw new VolumeError(`MountVolume.SetUp failed for volume "${volume.name}" : ${(error as Error).message}`, {
          cause: error,
        });
      }
    }
    return paths;
  }

  async #make(uid: string, volume: Volume, context: PayloadContext): Promise<string> {
    const folder = (plugin: string) => `${this.podFolder(uid)}/volumes/kubernetes.io~${plugin}/${volume.name}`;
    const fsGroup = groupOf(context.pod);
    if (volume.emptyDir !== undefined) return makeEmptyDir(folder('empty-dir'), volume.emptyDir, fsGroup);
    if (volume.hostPath !== undefined) return makeHostPath(volume.hostPath.path, volume.hostPath.type ?? '');
    if (volume.persistentVolumeClaim !== undefined)
      return this.#claims.path(context.pod, volume.persistentVolumeClaim.claimName);
    const { configMap, secret, downwardAPI, projected } = volume;
    const write = async (plugin: string, files: Parameters<typeof writeAtomically>[1]): Promise<string> => {
      await writeAtomically(folder(plugin), files, fsGroup);
      return folder(plugin);
    };
    if (configMap !== undefined)
      return write(
        'configmap',
        configMapFiles(
          context,
          configMap.name ?? '',
          configMap.items,
          configMap.defaultMode ?? defaultFileMode,
          configMap.optional,
        ),
      );
    if (secret !== undefined)
      return write(
        'secret',
        secretFiles(context, secret.secretName ?? '', secret.items, secret.defaultMode ?? defaultFileMode, secret.optional),
      );
    if (downwardAPI !== undefined)
      return write('downward-api', downwardFiles(context, downwardAPI.items ?? [], downwardAPI.defaultMode ?? defaultFileMode));
    if (projected !== undefined)
      return write('projected', projectedFiles(context, projected.sources ?? [], projected.defaultMode ?? defaultFileMode));
    throw new VolumeError('no volume plugin matched');
  }

  /** Removes everything of a pod on disk; mounts in it are undone first. */
  async remove(uid: string): Promise<void> {
    this.#claims.forget(uid);
    const folder = this.podFolder(uid);
    const mounts = (await readFile('/proc/mounts', 'utf8')).split('\n').map((line) => line.split(' ')[1] ?? '');
    for (const mount of mounts.filter((path) => path.startsWith(`${folder}/`)).reverse())
      await run('umount', ['-l', mount]).catch(() => {});
    await rm(folder, { recursive: true, force: true });
  }

  /** Pods of which something is on disk. */
  async pods(): Promise<string[]> {
    return readdir(`${this.#rootDir}/pods`).catch(() => []);
  }
}

function groupOf(pod: Pod): number | undefined {
  const group = pod.spec?.securityContext?.fsGroup;
  return group === undefined ? undefined : Number(group);
}

async function makeEmptyDir(
  path: string,
  { medium, sizeLimit }: { medium?: string | undefined; sizeLimit?: string | undefined },
  group: number | undefined,
): Promise<string> {
  const there = await stat(path).then(
    () => true,
    () => false,
  );
  if (there && medium !== 'Memory') return path;
  await mkdir(path, { recursive: true });
  if (medium === 'Memory') {
    const mounted = (await readFile('/proc/mounts', 'utf8')).includes(` ${path} `);
    const size = sizeLimit === undefined ? [] : ['-o', `size=${wholeUnits(sizeLimit)}`];
    if (!mounted) await run('mount', ['-t', 'tmpfs', ...size, 'tmpfs', path]);
    else return path;
  }
  if (group !== undefined) await chown(path, 0, group);
  await chmod(path, group === undefined ? 0o777 : 0o2777);
  return path;
}

async function makeHostPath(path: string, type: string): Promise<string> {
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

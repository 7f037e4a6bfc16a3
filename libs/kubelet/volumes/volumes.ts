// Makes a pod's volumes on this host, refreshes them and takes them away. Every step can be repeated, and is after a crash.
import type { PersistentVolumeClaimVolumeSource, Pod, Volume } from '@drydock/api/generated/types.ts';
import { ephemeralClaimName } from '@drydock/api/storage/pod-claims.ts';
import type { FileCalls } from '@drydock/foundation/beneath/calls.ts';
import type { Directory } from '@drydock/foundation/beneath/directory.ts';
import { removeTree } from '@drydock/foundation/beneath/remove.ts';
import type { Clock } from '@drydock/foundation/clock.ts';
import { type Payload, writeAtomically } from './atomic-writer.ts';
import type { Claims } from './claims.ts';
import { makeEmptyDir, mountMemory } from './empty-dir.ts';
import { makeHostPath } from './host-path.ts';
import { LocalVolumes } from './local-volumes.ts';
import type { Mounter } from './mounter.ts';
import { nestedMountPoints } from './nested.ts';
import { folderMode, fsGroupOf } from './ownership.ts';
import { type PayloadContext, VolumeError } from './payload.ts';
import { apiFiles } from './payload-kinds.ts';
import { PodFolders } from './pod-folders.ts';

export interface VolumePorts {
  readonly rootDir: string;
  readonly claims: Claims;
  readonly mounter: Mounter;
  readonly clock: Clock;
  /** For tests: what stands between this and the file system. */
  readonly calls?: FileCalls | undefined;
}

/** A volume as containers are given it. */
export interface HostVolume {
  readonly path: string;
  /** Whatever a container asks for: the kubelet alone writes what comes from the API (CVE-2017-1002102). */
  readonly readOnly: boolean;
}

/** The folder of a volume from the API, before its group is added. */
const apiFolderMode = { disk: 0o777, memory: 0o1777 } as const;

export class Volumes {
  readonly #ports: VolumePorts;
  readonly folders: PodFolders;
  readonly #local: LocalVolumes;

  constructor(ports: VolumePorts) {
    this.#ports = ports;
    this.folders = new PodFolders(ports.rootDir, ports.calls);
    this.#local = new LocalVolumes(this.folders);
  }

  /** Makes (or refreshes) all volumes, by name. Throws VolumeError. */
  async prepare(context: PayloadContext): Promise<Map<string, HostVolume>> {
    const made = new Map<string, HostVolume>();
    for (const volume of context.pod.spec?.volumes ?? []) {
      try {
        made.set(volume.name, await this.#make(volume, context));
      } catch (error) {
        throw new VolumeError(`MountVolume.SetUp failed for volume "${volume.name}" : ${(error as Error).message}`, {
          cause: error,
        });
      }
    }
    return made;
  }

  async #make(volume: Volume, context: PayloadContext): Promise<HostVolume> {
    const { emptyDir, hostPath, persistentVolumeClaim: claim, ephemeral } = volume;
    if (emptyDir !== undefined) return this.#emptyDir(volume.name, emptyDir, context);
    if (hostPath !== undefined) return { path: await makeHostPath(hostPath.path, hostPath.type ?? ''), readOnly: false };
    if (claim !== undefined) return this.#claimed(claim, context.pod);
    if (ephemeral !== undefined)
      return this.#claimed({ claimName: ephemeralClaimName(context.pod, volume) }, context.pod, true);
    const files = apiFiles(context, volume);
    if (files === undefined) throw new VolumeError('no volume plugin matched');
    return this.#fromApi(volume.name, files, context);
  }

  async #claimed(
    { claimName, readOnly = false }: PersistentVolumeClaimVolumeSource,
    pod: Pod,
    ofPod = false,
  ): Promise<HostVolume> {
    const { claims, mounter } = this.#ports;
    const claimed = await claims.volume(pod, claimName, ofPod);
    if (claimed.isLocal && mounter.givesAway) await this.#local.take(pod, claimed, readOnly);
    return { path: claimed.path, readOnly };
  }

  async #emptyDir(name: string, spec: NonNullable<Volume['emptyDir']>, context: PayloadContext): Promise<HostVolume> {
    const { mounter } = this.#ports;
    const uid = uidOf(context.pod);
    const { medium = '', sizeLimit } = spec;
    const request = { pod: context.pod, medium, sizeLimit, allocatableMemory: context.facts.allocatable.memory };
    await this.folders.within(uid, ['plugins', 'kubernetes.io~empty-dir', name], (ready) =>
      this.#inPlugin(uid, 'empty-dir', (plugin) => makeEmptyDir(plugin, name, ready, mounter, request)),
    );
    return { path: this.#path(uid, 'empty-dir', name), readOnly: false };
  }

  async #fromApi(
    name: string,
    { plugin, inMemory, files }: { plugin: string; inMemory: boolean; files: Payload },
    { pod, facts }: PayloadContext,
  ): Promise<HostVolume> {
    const { mounter, clock } = this.#ports;
    const uid = uidOf(pod);
    const group = fsGroupOf(pod);
    const nested = nestedMountPoints(pod, name);
    await this.#inPlugin(uid, plugin, async (folders) => {
      if (inMemory)
        await mountMemory(folders, name, mounter, { pod, sizeLimit: undefined, allocatableMemory: facts.allocatable.memory });
      const mode = folderMode(inMemory ? apiFolderMode.memory : apiFolderMode.disk, group);
      const attributes = { mode, gid: mounter.givesAway ? group : undefined };
      await using folder = await folders.make(name, attributes, { crossMounts: inMemory });
      for (const path of nested) await makeFolders(folder, path.split('/'));
      await writeAtomically(folder, files, {
        group,
        givesAway: mounter.givesAway,
        stamp: stampOf(clock.wallMs()),
        kept: new Set(nested.map((path) => path.split('/')[0] ?? '')),
      });
    });
    return { path: this.#path(uid, plugin, name), readOnly: true };
  }

  async #inPlugin<T>(uid: string, plugin: string, work: (folder: Directory) => Promise<T>): Promise<T> {
    return this.folders.within(uid, ['volumes', `kubernetes.io~${plugin}`], work);
  }

  #path(uid: string, plugin: string, name: string): string {
    return `${this.folders.path(uid)}/volumes/kubernetes.io~${plugin}/${name}`;
  }

  /**
   * Removes everything of a pod on disk; mounts in it are undone first. Throws MountError where one is left: then nothing is
   * removed, for what is mounted may be somebody else's.
   */
  async remove(uid: string): Promise<void> {
    await this.#ports.mounter.unmountBelow(this.folders.path(uid));
    await this.folders.remove(uid);
    this.#ports.claims.forget(uid);
    this.#local.forget(uid);
  }

  /** Removes one file below the pod's folder. */
  async removeFile(uid: string, parts: readonly string[], name: string): Promise<void> {
    await this.folders.within(uid, parts, (at) => removeTree(at, name));
  }

  /** Pods of which something is on disk. */
  async pods(): Promise<string[]> {
    return this.folders.list();
  }
}

async function makeFolders(at: Directory, [first, ...rest]: readonly string[]): Promise<void> {
  if (first === undefined) return;
  await using next = await at.make(first, { mode: 0o755 });
  await makeFolders(next, rest);
}

function uidOf(pod: Pod): string {
  return pod.metadata?.uid ?? '';
}

/** `2026_01_31_12_00_00`. */
function stampOf(wallMs: number): string {
  return new Date(wallMs).toISOString().slice(0, 19).replaceAll(/[-:T]/g, '_');
}

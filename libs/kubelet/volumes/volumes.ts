// Makes a pod's volumes on this host, refreshes them and takes them away. Every step can be repeated, and is after a crash.
import type { GitRepoVolumeSource, PersistentVolumeClaimVolumeSource, Pod, Volume } from '@drydock/api/generated/types.ts';
import { ephemeralClaimName } from '@drydock/api/storage/pod-claims.ts';
import type { Directory } from '@drydock/foundation/beneath/directory.ts';
import { removeTree } from '@drydock/foundation/beneath/remove.ts';
import type { Clock } from '@drydock/foundation/clock.ts';
import { type Payload, writeAtomically } from './atomic-writer.ts';
import { ClaimFailure, type Claims, hostPlaceOf } from './claims.ts';
import type { DriverVolumes } from './csi/driver-volumes.ts';
import { MountFailure, MountPending } from './csi/mount-failure.ts';
import { type CsiVolume, inlineCsi, persistentCsi } from './csi/volume.ts';
import { makeEmptyDir, mountMemory } from './empty-dir.ts';
import { cloneInto, type Git, gitRepoOff } from './git-repo.ts';
import { giveToGroup } from './give-to-group.ts';
import { makeHostPath } from './host-path.ts';
import { LocalVolumes } from './local-volumes.ts';
import type { Mounter } from './mounter.ts';
import { nestedMountPoints } from './nested.ts';
import { inlineNetwork, mountNetworkVolume, type NetworkVolume, persistentNetwork } from './network.ts';
import { folderMode, fsGroupOf } from './ownership.ts';
import { type PayloadContext, VolumeError } from './payload.ts';
import { apiFiles } from './payload-kinds.ts';
import type { PodFolders } from './pod-folders.ts';
import { subPathsFolder } from './sub-path.ts';
import { modeMisuse } from './volume-modes.ts';
import { type VolumeFailure, VolumesFailed } from './volumes-failed.ts';

export interface VolumePorts {
  readonly folders: PodFolders;
  readonly claims: Claims;
  readonly mounter: Mounter;
  readonly clock: Clock;
  /** Undefined: this node has no drivers. */
  readonly byDrivers?: DriverVolumes | undefined;
  /** Undefined: gitRepo volumes are off. */
  readonly git?: Git | undefined;
}

/** A volume as containers are given it. */
export interface HostVolume {
  readonly path: string;
  /** Whatever a container asks for: the kubelet alone writes what comes from the API (CVE-2017-1002102). */
  readonly readOnly: boolean;
}

/** The folder of a volume from the API, before its group is added. */
const apiFolderMode = { disk: 0o777, memory: 0o1777 } as const;

const neverEnding = new AbortController().signal;

/** Where it is noted which clones are whole. */
const gitRepoReady = ['plugins', 'kubernetes.io~git-repo'];

export class Volumes {
  readonly #ports: VolumePorts;
  readonly folders: PodFolders;
  readonly #local: LocalVolumes;

  constructor(ports: VolumePorts) {
    this.#ports = ports;
    this.folders = ports.folders;
    this.#local = new LocalVolumes(this.folders);
  }

  /** Makes (or refreshes) all volumes, by name; one that fails holds up no other. Throws VolumesFailed. */
  async prepare(context: PayloadContext): Promise<Map<string, HostVolume>> {
    const made = new Map<string, HostVolume>();
    const failures: VolumeFailure[] = [];
    for (const volume of context.pod.spec?.volumes ?? []) {
      context.ending?.throwIfAborted();
      try {
        made.set(volume.name, await this.#make(volume, context));
      } catch (error) {
        failures.push({ volume: volume.name, error: worded(volume.name, error as Error) });
      }
    }
    if (failures.length > 0) throw new VolumesFailed(failures);
    return made;
  }

  async #make(volume: Volume, context: PayloadContext): Promise<HostVolume> {
    const { emptyDir, hostPath, persistentVolumeClaim: claim, ephemeral } = volume;
    if (emptyDir !== undefined) return this.#emptyDir(volume.name, emptyDir, context);
    if (hostPath !== undefined) return { path: await makeHostPath(hostPath.path, hostPath.type ?? ''), readOnly: false };
    if (claim !== undefined) return this.#claimed(volume.name, claim, context);
    if (ephemeral !== undefined)
      return this.#claimed(volume.name, { claimName: ephemeralClaimName(context.pod, volume) }, context, true);
    if (volume.gitRepo !== undefined) return this.#gitRepo(volume.name, volume.gitRepo, context);
    const network = inlineNetwork(volume);
    if (network !== undefined) return this.#network(network, context);
    const inline = inlineCsi(context.pod, volume);
    if (inline !== undefined) return this.#byDriver(volume.name, inline, context);
    const files = apiFiles(context, volume);
    if (files === undefined) throw new VolumeError('no volume plugin matched');
    return this.#fromApi(volume.name, files, context);
  }

  async #claimed(
    name: string,
    { claimName, readOnly = false }: PersistentVolumeClaimVolumeSource,
    context: PayloadContext,
    ofPod = false,
  ): Promise<HostVolume> {
    const { claims, mounter } = this.#ports;
    const { pod } = context;
    const bound = await claims.volume(pod, claimName, ofPod);
    const misuse = modeMisuse(pod, name, bound);
    if (misuse !== undefined) throw new ClaimFailure(misuse);
    const byDriver = persistentCsi(bound, readOnly);
    if (byDriver !== undefined) return this.#byDriver(name, byDriver, context, claimName);
    const network = persistentNetwork(bound, readOnly);
    if (network !== undefined) return this.#network(network, context);
    const place = hostPlaceOf(bound);
    if (place === undefined) throw new VolumeError('no volume plugin matched');
    if (place.isLocal && mounter.givesAway) await this.#local.take(pod, place, readOnly);
    return { path: place.path, readOnly };
  }

  async #byDriver(name: string, volume: CsiVolume, { pod, ending }: PayloadContext, claim?: string): Promise<HostVolume> {
    const { byDrivers } = this.#ports;
    if (byDrivers === undefined) throw new VolumeError('no volume plugin matched');
    const path = await byDrivers.make({ pod, name, volume, claim }, ending ?? neverEnding);
    return { path, readOnly: volume.readOnly };
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

  async #network(volume: NetworkVolume, { pod, ending }: PayloadContext): Promise<HostVolume> {
    const uid = uidOf(pod);
    await this.#inPlugin(uid, volume.plugin, (plugin) => mountNetworkVolume(plugin, volume, this.#ports.mounter, ending));
    return { path: this.#path(uid, volume.plugin, volume.name), readOnly: volume.readOnly };
  }

  async #gitRepo(name: string, source: GitRepoVolumeSource, { pod, ending }: PayloadContext): Promise<HostVolume> {
    const { git, mounter } = this.#ports;
    if (git === undefined) throw new VolumeError(gitRepoOff);
    const uid = uidOf(pod);
    const path = this.#path(uid, 'git-repo', name);
    if (await this.folders.has(uid, [...gitRepoReady, name])) return { path, readOnly: false };
    await this.#inPlugin(uid, 'git-repo', async (plugin) => {
      // What an attempt before has left is no clone.
      await removeTree(plugin, name);
      await using folder = await plugin.make(name, { mode: 0o777 });
      await cloneInto(folder, source, git, ending);
    });
    const group = fsGroupOf(pod);
    if (group !== undefined && mounter.givesAway) await giveToGroup(path, { group, onRootMismatch: false });
    await this.folders.within(uid, gitRepoReady, (at) => at.createFile(name, Buffer.alloc(0), { mode: 0o640 }));
    return { path, readOnly: false };
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
   * Removes everything of a pod on disk; mounts in it are undone first, those of drivers by their drivers. Throws MountError where
   * one is left, and where a driver fails: then nothing is removed, for what is mounted may be somebody else's.
   */
  async remove(uid: string): Promise<void> {
    const { mounter, byDrivers } = this.#ports;
    // Parts of volumes, before the volumes that they are of.
    await mounter.unmountBelow(`${this.folders.path(uid)}/${subPathsFolder}`);
    await byDrivers?.remove(uid);
    await mounter.unmountBelow(this.folders.path(uid));
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

/** As upstream's events have it; a driver's volume is called by another name there. */
function worded(volume: string, error: Error): VolumeError {
  if (error instanceof MountFailure || error instanceof MountPending || error instanceof ClaimFailure) return error;
  return new VolumeError(`MountVolume.SetUp failed for volume "${volume}" : ${error.message}`, { cause: error });
}

function uidOf(pod: Pod): string {
  return pod.metadata?.uid ?? '';
}

/** `2026_01_31_12_00_00`. */
function stampOf(wallMs: number): string {
  return new Date(wallMs).toISOString().slice(0, 19).replaceAll(/[-:T]/g, '_');
}

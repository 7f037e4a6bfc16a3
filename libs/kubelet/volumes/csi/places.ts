// Where volumes of CSI drivers are on this host: in their pods' folders, and for all pods of the node where they are staged; in
// upstream's places. All of it is the kubelet's own, but for what is mounted at `mount` and `globalmount`, which is never entered.
import { createHash } from 'node:crypto';
import type { DriverVolume } from '@drydock/api/storage/attachments.ts';
import { Directory } from '@drydock/foundation/beneath/directory.ts';
import { systemCode } from '@drydock/foundation/beneath/errors.ts';
import { descend, descendIfThere } from '../descend.ts';
import type { PodFolders } from '../pod-folders.ts';
import type { CsiVolume } from './volume.ts';
import { dataBytesMax, dataFile, parseVolumeData, podVolumeData, stagedVolumeData, type VolumeData } from './volume-data.ts';

const below = ['volumes', 'kubernetes.io~csi'];
const stagedBelow = ['plugins', 'kubernetes.io', 'csi'];
const unfinished = `${dataFile}.new`;

/** A volume of a pod. */
export interface PodVolume extends VolumeData {
  readonly uid: string;
  /** As `CsiVolume` has it. */
  readonly name: string;
}

export class CsiPlaces {
  readonly #rootDir: string;
  readonly #folders: PodFolders;

  constructor(rootDir: string, folders: PodFolders) {
    this.#rootDir = rootDir;
    this.#folders = folders;
  }

  targetPath(uid: string, name: string): string {
    return [this.#folders.path(uid), ...below, name, 'mount'].join('/');
  }

  stagingPath(volume: DriverVolume): string {
    return [this.#rootDir, ...stagedParts(volume), 'globalmount'].join('/');
  }

  /** Notes the volume in the pod's folder. True where it was not noted before. */
  async note(uid: string, volume: CsiVolume, nodeName: string): Promise<boolean> {
    return this.#folders.within(uid, [...below, volume.name], async (at) => {
      const isNew = !(await at.has(dataFile));
      await replaceFile(at, podVolumeData(volume, nodeName));
      return isNew;
    });
  }

  /** Nothing is mounted for the pod any more. Throws where the driver has left something, which is then kept. */
  async forget({ uid, name }: Pick<PodVolume, 'uid' | 'name'>): Promise<void> {
    await this.#folders.ifThere(uid, below, (at) => removePlace(at, name, 'mount'));
  }

  /** What is noted in the pod's folder. Throws where that cannot be read: what is mounted there is not known then. */
  async ofPod(uid: string): Promise<PodVolume[]> {
    const found = await this.#folders.ifThere(uid, below, async (at) => {
      const volumes: PodVolume[] = [];
      for await (const { name, isDirectory } of at.entries()) {
        const data = isDirectory ? await dataBelow(at, name) : undefined;
        if (data !== undefined) volumes.push({ uid, name: name.toString(), ...data });
      }
      return volumes;
    });
    return found ?? [];
  }

  /** Of all pods that have something here. */
  async all(): Promise<PodVolume[]> {
    const volumes: PodVolume[] = [];
    for (const uid of await this.#folders.list()) volumes.push(...(await this.ofPod(uid)));
    return volumes;
  }

  /** Makes the folder at which the driver stages the volume, and notes there which that is. */
  async makeStaged(volume: DriverVolume): Promise<void> {
    await this.#folders.calls.mkdir(this.#rootDir, { recursive: true, mode: 0o750 });
    await using root = await Directory.open(this.#rootDir, this.#folders.calls);
    await descend(root, stagedParts(volume), async (at) => {
      await (await at.make('globalmount', undefined, { crossMounts: true })).close();
      await replaceFile(at, stagedVolumeData(volume));
    });
  }

  /** Throws where the driver has left something, which is then kept. */
  async removeStaged(volume: DriverVolume): Promise<void> {
    const parts = stagedParts(volume);
    await using root = await Directory.open(this.#rootDir, this.#folders.calls);
    await descendIfThere(root, parts.slice(0, -1), (at) => removePlace(at, parts.at(-1) ?? '', 'globalmount'));
  }
}

function stagedParts({ driver, handle }: DriverVolume): string[] {
  return [...stagedBelow, driver, createHash('sha256').update(handle).digest('hex')];
}

/** As one: who looks finds all of it or nothing. */
async function replaceFile(at: Directory, content: Buffer): Promise<void> {
  await removeFile(at, unfinished);
  await at.createFile(unfinished, content, { mode: 0o644 });
  await at.rename(unfinished, dataFile);
}

/** Undefined where nothing is noted, also where that goes meanwhile: who takes it away has undone what it says. */
async function dataBelow(at: Directory, name: Buffer): Promise<VolumeData | undefined> {
  try {
    await using folder = await at.enter(name);
    return await readData(folder);
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}

async function readData(folder: Directory): Promise<VolumeData> {
  try {
    return parseVolumeData(await folder.readFile(dataFile, dataBytesMax));
  } catch (error) {
    if (systemCode(error) === 'ENOENT') throw error;
    const why = (error as Error).message;
    throw new Error(`kubernetes.io/csi: unmounter failed to load volume data file [${folder.path}]: ${why}`, { cause: error });
  }
}

/** What is mounted first, then what reminds of it. */
async function removePlace(parent: Directory, name: string, mountPoint: string): Promise<void> {
  const folder = await parent.enter(name).catch((error: unknown) => {
    if (systemCode(error) === 'ENOENT') return undefined;
    throw error;
  });
  if (folder === undefined) return;
  await using at = folder;
  await at.rmdir(mountPoint).catch((error: unknown) => {
    if (systemCode(error) === 'ENOENT') return;
    throw new Error(`kubernetes.io/csi: failed to remove dir [${at.path}/${mountPoint}]: ${(error as Error).message}`, {
      cause: error,
    });
  });
  await removeFile(at, dataFile);
  await removeFile(at, unfinished);
  await parent.rmdir(name);
}

async function removeFile(at: Directory, name: string): Promise<void> {
  await at.unlink(name).catch((error: unknown) => {
    if (systemCode(error) !== 'ENOENT') throw error;
  });
}

// Volumes of other machines that mount(8) mounts (pkg/volume/nfs).
import type { NFSVolumeSource, PersistentVolume, Volume } from '@drydock/api/generated/types.ts';
import type { Directory } from '@drydock/foundation/beneath/directory.ts';
import type { NetworkMount } from '@drydock/foundation/beneath/mounting.ts';
import { isMounted, type Mounter } from './mounter.ts';

/** What is mounted for a volume, and where below the pod's folder. */
export interface NetworkVolume {
  /** As in `volumes/kubernetes.io~PLUGIN`. */
  readonly plugin: string;
  /** Of the folder: the volume's in the pod, or the PersistentVolume's. */
  readonly name: string;
  readonly mount: NetworkMount;
  readonly readOnly: boolean;
}

/** Undefined where the pod's volume is no such. */
export function inlineNetwork({ name, nfs }: Volume): NetworkVolume | undefined {
  return nfs === undefined ? undefined : nfsVolume(name, nfs, nfs.readOnly === true, []);
}

/** Undefined where the PersistentVolume is no such. */
export function persistentNetwork({ metadata, spec }: PersistentVolume, readOnly: boolean): NetworkVolume | undefined {
  const nfs = spec?.nfs;
  if (nfs === undefined) return undefined;
  return nfsVolume(metadata?.name ?? '', nfs, readOnly || nfs.readOnly === true, spec?.mountOptions ?? []);
}

function nfsVolume(
  name: string,
  { server, path }: NFSVolumeSource,
  readOnly: boolean,
  options: readonly string[],
): NetworkVolume {
  // An address of version 6 has colons, too.
  const host = server.includes(':') && !server.startsWith('[') ? `[${server}]` : server;
  const mount = { type: 'nfs', source: `${host}:${path}`, options: [...(readOnly ? ['ro'] : []), ...options] };
  return { plugin: 'nfs', name, mount, readOnly };
}

/** Mounts it below `plugin`, once; a folder on which nothing is mounted afterwards is empty. */
export async function mountNetworkVolume(
  plugin: Directory,
  { name, mount }: NetworkVolume,
  mounter: Mounter,
  signal: AbortSignal | undefined,
): Promise<void> {
  await (await plugin.make(name, { mode: 0o750 }, { crossMounts: true })).close();
  if (await isMounted(plugin, name, mounter)) return;
  await using folder = await plugin.enter(name);
  await mounter.network(folder, mount, signal);
}

// What a volume of this driver can be used as: folders of one node. Pure.
import { CsiError } from './csi-error.ts';
import type { Capability, StringMap } from './messages.ts';

/** Those of one node; the volume is nowhere else. */
const modes = new Set([
  'SINGLE_NODE_WRITER',
  'SINGLE_NODE_READER_ONLY',
  'SINGLE_NODE_SINGLE_WRITER',
  'SINGLE_NODE_MULTI_WRITER',
]);

/** Why it cannot be served; undefined where it can. */
export function whyUnserved({ block, mount, access_mode: access }: Capability): string | undefined {
  if (block) return 'block volumes are not supported: volumes of this driver are folders';
  if (!mount) return 'a volume capability has no access type';
  const mode = access?.mode ?? 'UNKNOWN';
  if (mode === 'UNKNOWN') return 'a volume capability has no access mode';
  if (!modes.has(mode)) return `access mode ${mode} is not supported: a volume of this driver is on one node`;
  if (mount.fs_type) return `file system type ${JSON.stringify(mount.fs_type)} is not supported: volumes are folders`;
  const [flag] = mount.mount_flags ?? [];
  if (flag !== undefined) return `mount option ${JSON.stringify(flag)} is not supported: volumes are folders`;
  if (mount.volume_mount_group) return 'a group of the mount is not supported';
  return undefined;
}

/** Throws CsiError InvalidArgument where there are none, or one cannot be served. */
export function checkCapabilities(capabilities: readonly Capability[] | undefined): void {
  if (capabilities === undefined || capabilities.length === 0)
    throw new CsiError('InvalidArgument', 'volume capabilities missing in request');
  for (const each of capabilities) {
    const why = whyUnserved(each);
    if (why !== undefined) throw new CsiError('InvalidArgument', why);
  }
}

/** Throws CsiError InvalidArgument: no parameter has a meaning, and one that is passed over would be taken for served. */
export function checkParameters(...maps: readonly (StringMap | undefined)[]): void {
  const [name] = maps.flatMap((map) => Object.keys(map ?? {}));
  if (name !== undefined) throw new CsiError('InvalidArgument', `unknown parameter ${JSON.stringify(name)}`);
}

/** Whether only one mount of the volume may be there at a time (ReadWriteOncePod). */
export function isSingleWriter({ access_mode: access }: Capability): boolean {
  return access?.mode === 'SINGLE_NODE_SINGLE_WRITER';
}

export function isReadOnly({ access_mode: access }: Capability): boolean {
  return access?.mode === 'SINGLE_NODE_READER_ONLY';
}

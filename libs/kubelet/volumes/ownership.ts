// Who may do what with the files of a volume: pure (pkg/volume/volume_linux.go, SetVolumeOwnership; pkg/volume/util, FsUserFrom).
import type { Pod } from '@drydock/api/generated/types.ts';

const setgid = 0o2000;
/** What the group is given: of files, and beyond that of folders. */
const readWrite = 0o660;
const readOnly = 0o440;
const enter = 0o110;

/** Group 0 is a group as any other: undefined is none. */
export function fsGroupOf(pod: Pod): number | undefined {
  const group = pod.spec?.securityContext?.fsGroup;
  return group === undefined ? undefined : Number(group);
}

/** The user that all containers run as; undefined where one names none, or two differ. Ephemeral ones do not count. */
export function fsUserOf(pod: Pod): number | undefined {
  const shared = pod.spec?.securityContext?.runAsUser;
  const users = [...(pod.spec?.initContainers ?? []), ...(pod.spec?.containers ?? [])].map(
    ({ securityContext }) => securityContext?.runAsUser ?? shared,
  );
  const [first] = users;
  return first !== undefined && users.every((each) => Number(each) === Number(first)) ? Number(first) : undefined;
}

/** The mode of a file that only the kubelet writes. */
export function fileMode(mode: number, group: number | undefined): number {
  return group === undefined ? mode : mode | readOnly;
}

/** The mode of a folder of files that only the kubelet writes. */
export function folderMode(mode: number, group: number | undefined): number {
  return group === undefined ? mode : mode | readOnly | enter | setgid;
}

/** The mode of a file of a volume that its containers write. */
export function sharedFileMode(mode: number, group: number | undefined): number {
  return group === undefined ? mode : mode | readWrite;
}

/** The mode of the folder of a volume that its containers write. */
export function sharedFolderMode(mode: number, group: number | undefined): number {
  return group === undefined ? mode : mode | readWrite | enter | setgid;
}

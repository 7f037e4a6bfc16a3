// Gives a volume to the group of its pod, with all in it (pkg/volume, SetVolumeOwnership). What lies there, containers have written:
// no link is followed, no mount entered, and what is neither a file nor a folder stays as it is.
import { Directory } from '@drydock/foundation/beneath/directory.ts';
import { BeneathError, systemCode } from '@drydock/foundation/beneath/errors.ts';
import { sharedFileMode, sharedFolderMode } from './ownership.ts';
import { VolumeError } from './payload.ts';

/** Each level is an open descriptor. */
const depthMax = 200;

export interface GroupRequest {
  readonly group: number;
  /** `fsGroupChangePolicy: OnRootMismatch`: nothing is looked at where the folder itself is the group's already. */
  readonly onRootMismatch: boolean;
}

/** `path` is the volume's own, in which links are followed. Throws VolumeError, and what the system says. */
export async function giveToGroup(path: string, { group, onRootMismatch }: GroupRequest): Promise<void> {
  await using root = await Directory.open(path);
  const { gid, mode } = await root.handle.stat();
  if (onRootMismatch && gid === group && sharedFolderMode(mode & 0o7777, group) === (mode & 0o7777)) return;
  await giveFolder(root, group, 0);
}

/** What is in it first: a folder that is the group's says that all of it is. */
async function giveFolder(folder: Directory, group: number, depth: number): Promise<void> {
  if (depth > depthMax) throw new VolumeError(`${folder.path}: folders are nested too deep to be given to group ${group}`);
  for await (const { name, isDirectory, isLink } of folder.entries()) {
    if (isLink) continue;
    try {
      if (isDirectory) {
        await using child = await folder.enter(name);
        await giveFolder(child, group, depth + 1);
      } else await giveFile(folder, name, group);
    } catch (error) {
      // It has gone or become something else meanwhile, or something is mounted there.
      if (!(error instanceof BeneathError) && systemCode(error) !== 'ENOENT') throw error;
    }
  }
  const { mode } = await folder.handle.stat();
  await folder.setAttributes({ mode: sharedFolderMode(mode & 0o7777, group), gid: group });
}

async function giveFile(folder: Directory, name: Buffer, group: number): Promise<void> {
  await using file = await folder.openFile(name);
  const { mode } = await file.stat();
  await file.chown(-1, group);
  await file.chmod(sharedFileMode(mode & 0o7777, group));
}

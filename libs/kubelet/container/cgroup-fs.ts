// Adapter: cgroupfs. The kernel's own files: a folder is a cgroup, and control files are there with it.
import { mkdir, readdir, readFile, rmdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Paths begin with a slash and are below the mount point. Calls fail with the system's errors. */
export interface CgroupFs {
  read(file: string): Promise<string>;
  write(file: string, text: string): Promise<void>;
  /** The parent is there. */
  mkdir(folder: string): Promise<void>;
  /** Without processes and folders in it; its files go with it. */
  rmdir(folder: string): Promise<void>;
  /** Names of the folders in it. */
  folders(folder: string): Promise<string[]>;
  kill(pid: number): void;
}

export function hostCgroupFs(root: string, kill: (pid: number) => void): CgroupFs {
  return {
    read: (file) => readFile(join(root, file), 'utf8'),
    // Without O_CREAT: what is no control file is an error.
    write: (file, text) => writeFile(join(root, file), text, { flag: 'r+' }),
    mkdir: async (folder) => {
      await mkdir(join(root, folder));
    },
    rmdir: (folder) => rmdir(join(root, folder)),
    folders: async (folder) =>
      (await readdir(join(root, folder), { withFileTypes: true })).filter((each) => each.isDirectory()).map(({ name }) => name),
    kill,
  };
}

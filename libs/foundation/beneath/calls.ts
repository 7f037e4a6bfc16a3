// The calls by which files are reached by name; a test puts an attacker between any two of them.
import { chmod, chown, mkdir, open, opendir, readlink, rename, rmdir, symlink, unlink } from 'node:fs/promises';

export interface FileCalls {
  readonly open: typeof open;
  readonly opendir: typeof opendir;
  readonly mkdir: typeof mkdir;
  readonly rmdir: typeof rmdir;
  readonly unlink: typeof unlink;
  readonly rename: typeof rename;
  readonly symlink: typeof symlink;
  readonly readlink: typeof readlink;
  readonly chmod: typeof chmod;
  readonly chown: typeof chown;
}

/** Those of this machine. */
export const nodeCalls: FileCalls = { open, opendir, mkdir, rmdir, unlink, rename, symlink, readlink, chmod, chown };

// The disk of this machine, which answers at once: so virtual time has nothing to wait for, and one run is like another.
import {
  chmodSync,
  chownSync,
  closeSync,
  fchmodSync,
  fchownSync,
  fstatSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readdirSync,
  readlinkSync,
  readSync,
  renameSync,
  rmdirSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import type { FileCalls } from '@drydock/foundation/beneath/calls.ts';
import type { Life } from './life.ts';

export class Disk {
  readonly #open = new Set<number>();

  callsOf(life: Life): FileCalls {
    return Object.fromEntries(
      Object.entries(this.#calls).map(([name, real]) => [
        name,
        (...args: unknown[]) =>
          life.through({ port: 'disk', name }, async () => (real as (...all: unknown[]) => unknown)(...args)),
      ]),
    ) as unknown as FileCalls;
  }

  /** What the dead have left open: the system closes it with their processes. */
  closeAll(): void {
    for (const fd of this.#open) closeSync(fd);
    this.#open.clear();
  }

  readonly #calls: Readonly<Record<keyof FileCalls, unknown>> = {
    open: (...args: Parameters<typeof openSync>) => this.#handle(openSync(...args)),
    opendir: (path: string) => entriesOf(path),
    mkdir: mkdirSync,
    rmdir: rmdirSync,
    unlink: unlinkSync,
    rename: renameSync,
    symlink: symlinkSync,
    readlink: readlinkSync,
    chmod: chmodSync,
    chown: chownSync,
  };

  /** As much of a FileHandle as is used. */
  #handle(fd: number): object {
    this.#open.add(fd);
    const close = async (): Promise<void> => {
      if (this.#open.delete(fd)) closeSync(fd);
    };
    return {
      fd,
      close,
      [Symbol.asyncDispose]: close,
      stat: async () => fstatSync(fd),
      chmod: async (mode: number) => fchmodSync(fd, mode),
      chown: async (uid: number, gid: number) => fchownSync(fd, uid, gid),
      truncate: async (length: number) => ftruncateSync(fd, length),
      writeFile: async (data: Uint8Array) => writeFileSync(fd, data),
      read: async (buffer: Uint8Array, offset: number, length: number, position: number) => ({
        bytesRead: readSync(fd, buffer, offset, length, position),
        buffer,
      }),
    };
  }
}

async function* entriesOf(path: string): AsyncGenerator<unknown> {
  yield* readdirSync(path, { withFileTypes: true, encoding: 'buffer' });
}

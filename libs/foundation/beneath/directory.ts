// A directory held open, so that what is done to its entries is done there, whatever becomes of its name meanwhile.
//
// Node has no openat(2). On Linux `/proc/self/fd/N/NAME` is the same: the kernel goes from the open directory itself, not from
// a path, and looks up one name in it. Every call below that takes a name either acts on the entry as such (mkdir, unlink,
// rmdir, rename, symlink, readlink) or opens it with O_NOFOLLOW. Elsewhere (no /proc/self/fd) plain paths stand in: only the
// hollow engine runs there, and no container.
import { constants, existsSync, readFileSync } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { type FileCalls, nodeCalls } from './calls.ts';
import { BeneathError, systemCode } from './errors.ts';

/** One name; as bytes where it comes from a directory, for containers may choose any. */
export type Name = string | Buffer;

export interface Attributes {
  /** Permission bits, with setuid, setgid and sticky; as given, whatever the umask. */
  readonly mode: number;
  readonly uid?: number | undefined;
  readonly gid?: number | undefined;
}

export interface Entry {
  readonly name: Buffer;
  /** What the directory said; it may have been exchanged since. */
  readonly isDirectory: boolean;
  readonly isLink: boolean;
}

export interface EnterOptions {
  /** Goes into what is mounted there too. Default: that is refused. */
  readonly crossMounts?: boolean;
}

/** A descriptor that names a file without opening it; Node has no constant for it. */
const O_PATH = 0o10000000;
const isLinux = existsSync('/proc/self/fd');
const reach = isLinux ? O_PATH : 0;

export class Directory {
  /** For messages only: where it was when it was opened. */
  readonly path: string;
  /** The mount it is in: two bind mounts of one device are two. */
  readonly mountId: number;
  readonly handle: FileHandle;
  readonly #calls: FileCalls;

  private constructor(path: string, handle: FileHandle, mountId: number, calls: FileCalls) {
    this.path = path;
    this.handle = handle;
    this.mountId = mountId;
    this.#calls = calls;
  }

  /** Opens a path of the caller's own, in which links are followed. Throws what open(2) does. */
  static async open(path: string, calls: FileCalls = nodeCalls): Promise<Directory> {
    return Directory.#of(path, await calls.open(path, reach | constants.O_DIRECTORY), calls);
  }

  static async #of(path: string, handle: FileHandle, calls: FileCalls): Promise<Directory> {
    return new Directory(path, handle, await mountIdOf(handle), calls);
  }

  get calls(): FileCalls {
    return this.#calls;
  }

  /** Opens the directory `name`. Throws BeneathError `mount`, or `kind` (a link is no directory), and the system's ENOENT. */
  async enter(name: Name, { crossMounts = false }: EnterOptions = {}): Promise<Directory> {
    const handle = await this.#open(name, reach | constants.O_DIRECTORY);
    const child = await Directory.#of(this.#shown(name), handle, this.#calls);
    if (crossMounts || child.mountId === this.mountId) return child;
    await child.close();
    throw new BeneathError('mount', `${child.path} is a mount point`);
  }

  /**
   * Opens the directory `name`, made before where it is missing. `attributes` are set on a new one and on one of before; without
   * them a new one is root's and its group's (0750).
   */
  async make(name: Name, attributes?: Attributes, options?: EnterOptions): Promise<Directory> {
    const child = (await this.#enterIfThere(name, options)) ?? (await this.#makeAndEnter(name, options));
    if (attributes !== undefined) await child.setAttributes(attributes);
    return child;
  }

  /** Makes a new directory; throws EEXIST where something has that name. */
  async create(name: Name, attributes: Attributes): Promise<Directory> {
    await this.#calls.mkdir(this.at(name), { mode: 0o700 });
    const child = await this.enter(name);
    await child.setAttributes(attributes);
    return child;
  }

  async setAttributes({ mode, uid = -1, gid = -1 }: Attributes): Promise<void> {
    // The owner first: a change of owner takes setuid and setgid away.
    if (uid !== -1 || gid !== -1) await this.#calls.chown(this.#own(), uid, gid);
    await this.#calls.chmod(this.#own(), mode);
  }

  /** Writes a file that is not there yet, then gives it its attributes. Throws EEXIST. */
  async createFile(name: Name, data: Uint8Array, attributes: Attributes): Promise<void> {
    await using file = await this.createNew(name);
    await file.writeFile(data);
    const { mode, uid = -1, gid = -1 } = attributes;
    if (uid !== -1 || gid !== -1) await file.chown(uid, gid);
    await file.chmod(mode);
  }

  /** A new file for writing, its owner's alone; close it. Throws EEXIST. */
  async createNew(name: Name): Promise<FileHandle> {
    return this.#open(name, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o600);
  }

  /** Writes a file anew where it lies, so that those who have it mounted see the change. Throws BeneathError `link` or `kind`. */
  async overwriteFile(name: Name, data: Uint8Array, mode: number): Promise<void> {
    // Not emptied by open(2): first it is seen to be a plain file that has no other name.
    await using file = await this.#open(name, constants.O_WRONLY | constants.O_CREAT | constants.O_NONBLOCK, 0o600);
    const found = await file.stat();
    if (!found.isFile() || found.nlink !== 1) throw new BeneathError('kind', `${this.#shown(name)} is not a file of its own`);
    await file.chmod(mode);
    await file.truncate(0);
    await file.writeFile(data);
  }

  /** A plain file's content. Throws BeneathError `link`, or `kind` where it is no plain file or larger than `bytesMax`. */
  async readFile(name: Name, bytesMax: number): Promise<Buffer> {
    await using file = await this.openFile(name);
    const { size } = await file.stat();
    if (size > bytesMax) throw new BeneathError('kind', `${this.#shown(name)} is larger than ${bytesMax} bytes`);
    const buffer = Buffer.alloc(size);
    const { bytesRead } = await file.read(buffer, 0, buffer.length, 0);
    return buffer.subarray(0, bytesRead);
  }

  /**
   * Opens a plain file for reading; close it. Throws BeneathError `link`, or `kind` where it is a pipe, a device, a folder: those
   * are never opened, for to some devices that alone is a command (a watchdog begins to count).
   */
  async openFile(name: Name): Promise<FileHandle> {
    const flags = constants.O_RDONLY | constants.O_NONBLOCK;
    if (!isLinux) return this.#plain(await this.#open(name, flags), name);
    await using named = await this.#plain(await this.reach(name), name);
    return await this.#calls.open(`/proc/self/fd/${named.fd}`, flags);
  }

  /** The handle where it is a plain file's; else it is closed. */
  async #plain(handle: FileHandle, name: Name): Promise<FileHandle> {
    const found = await handle.stat();
    if (found.isFile()) return handle;
    await handle.close();
    if (found.isSymbolicLink()) throw new BeneathError('link', `${this.#shown(name)} is a link`);
    throw new BeneathError('kind', `${this.#shown(name)} is not a file`);
  }

  /** Whether something has that name, be it a link that leads nowhere. */
  async has(name: Name): Promise<boolean> {
    try {
      await using _ = await this.reach(name);
      return true;
    } catch (error) {
      if (systemCode(error) === 'ENOENT') return false;
      throw error;
    }
  }

  /** Names what is called `name`, a link as a link; for a look at it, or to mount it. Close the handle. */
  async reach(name: Name): Promise<FileHandle> {
    return this.#calls.open(this.at(name), reach | constants.O_NOFOLLOW);
  }

  /** A second handle of this directory. Close it. */
  async reopen(): Promise<FileHandle> {
    return this.#calls.open(this.#own(), reach | constants.O_DIRECTORY);
  }

  async readLink(name: Name): Promise<string> {
    return this.#calls.readlink(this.at(name));
  }

  /** Throws EEXIST. */
  async link(name: Name, target: string): Promise<void> {
    await this.#calls.symlink(target, this.at(name));
  }

  /** Within this directory or into another one; what has the new name is replaced, as rename(2) does. */
  async rename(from: Name, to: Name, into: Directory = this): Promise<void> {
    await this.#calls.rename(this.at(from), into.at(to));
  }

  /** Removes what is not a directory. */
  async unlink(name: Name): Promise<void> {
    await this.#calls.unlink(this.at(name));
  }

  /** Removes an empty directory. */
  async rmdir(name: Name): Promise<void> {
    await this.#calls.rmdir(this.at(name));
  }

  async *entries(): AsyncGenerator<Entry> {
    // The types know names as text only.
    const options = { encoding: 'buffer' as BufferEncoding, bufferSize: 256 };
    for await (const entry of await this.#calls.opendir(this.#own(), options))
      yield {
        name: entry.name as unknown as Buffer,
        isDirectory: entry.isDirectory(),
        isLink: entry.isSymbolicLink(),
      };
  }

  /** The entry as a path that holds as long as this directory is open. Throws BeneathError `name`. */
  at(name: Name): string | Buffer {
    const text = typeof name === 'string' ? name : name.toString('latin1');
    if (text === '' || text === '.' || text === '..' || text.includes('/') || text.includes('\0'))
      throw new BeneathError('name', `${JSON.stringify(text)} is not a plain name`);
    return typeof name === 'string' ? `${this.#own()}/${name}` : Buffer.concat([Buffer.from(`${this.#own()}/`), name]);
  }

  async close(): Promise<void> {
    await this.handle.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #own(): string {
    return isLinux ? `/proc/self/fd/${this.handle.fd}` : this.path;
  }

  #shown(name: Name): string {
    return `${this.path}/${name.toString()}`;
  }

  async #enterIfThere(name: Name, options: EnterOptions | undefined): Promise<Directory | undefined> {
    try {
      return await this.enter(name, options);
    } catch (error) {
      if (systemCode(error) === 'ENOENT') return undefined;
      throw error;
    }
  }

  async #makeAndEnter(name: Name, options: EnterOptions | undefined): Promise<Directory> {
    await this.#calls.mkdir(this.at(name), { mode: 0o750 }).catch((error: unknown) => {
      if (systemCode(error) !== 'EEXIST') throw error;
    });
    return this.enter(name, options);
  }

  async #open(name: Name, flags: number, mode?: number): Promise<FileHandle> {
    try {
      return await this.#calls.open(this.at(name), flags | constants.O_NOFOLLOW, mode);
    } catch (error) {
      const code = systemCode(error);
      if (code === 'ELOOP') throw new BeneathError('link', `${this.#shown(name)} is a link`, { cause: error });
      if (code === 'ENOTDIR')
        throw new BeneathError('kind', `${this.#shown(name)} is not a directory, or a link`, { cause: error });
      if (code === 'EISDIR' || code === 'ENXIO')
        throw new BeneathError('kind', `${this.#shown(name)} is not a file`, { cause: error });
      throw error;
    }
  }
}

/** The kernel's number of the mount in which a descriptor is (proc(5), fdinfo); where there is none, the device. */
export async function mountIdOf(handle: FileHandle): Promise<number> {
  if (!isLinux) return (await handle.stat()).dev;
  // Memory of the kernel: nothing that could be waited for.
  const id = /^mnt_id:\s*(\d+)$/m.exec(readFileSync(`/proc/self/fdinfo/${handle.fd}`, 'utf8'))?.[1];
  if (id === undefined) throw new Error('/proc/self/fdinfo names no mount: the kernel is older than 3.15');
  return Number(id);
}

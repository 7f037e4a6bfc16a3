// Adapter: room at the end of lmdb's file, of real blocks, before lmdb writes there. Where a disk takes less than lmdb gives it, lmdb
// damages the memory of the process (its message about the error does not fit into the buffer that it makes for it), and pages of the
// commit are missing. So a full disk has to show here, in writes whose errors are ours; what lmdb then writes lies in blocks that the
// file has. On file systems that write elsewhere what is written again (btrfs, zfs) blocks are no promise; there only the look at the
// free space before each commit helps.
import { closeSync, fstatSync, openSync, readSync, write, writeSync } from 'node:fs';
import { pageBytes } from './lmdb-growth.ts';

const blockBytes = 512;
const pieceBytes = 1 << 20;
const zeros = new Uint8Array(pieceBytes);
/** By how much the file grows at least: a small one by little, a large one seldom. */
const stepMinBytes = 1 << 20;
const stepMaxBytes = 16 << 20;
const stepOfSize = 1 / 8;

export class LmdbRoom {
  readonly #fd: number;
  /** All bytes before are in blocks of the file. */
  #end: number;

  /** `file` has no holes (`fillHoles`). */
  constructor(file: string) {
    this.#fd = openSync(file, 'r+');
    this.#end = fstatSync(this.#fd).size;
  }

  /** Resolves when the first `bytes` of the file have blocks. Rejects with the error of the write, ENOSPC above all. */
  async reach(bytes: number): Promise<void> {
    const target = this.#target(bytes);
    while (this.#end < target) {
      const length = Math.min(pieceBytes, target - this.#end);
      this.#end += await new Promise<number>((resolve, reject) => {
        write(this.#fd, zeros, 0, length, this.#end, (error, count) => (error ? reject(error) : resolve(count)));
      });
    }
  }

  /** The same at once. */
  reachNow(bytes: number): void {
    const target = this.#target(bytes);
    while (this.#end < target) this.#end += writeSync(this.#fd, zeros, 0, Math.min(pieceBytes, target - this.#end), this.#end);
  }

  close(): void {
    closeSync(this.#fd);
  }

  #target(bytes: number): number {
    if (bytes <= this.#end) return bytes;
    const step = Math.min(stepMaxBytes, Math.max(stepMinBytes, this.#end * stepOfSize));
    return Math.ceil(Math.max(bytes, this.#end + step) / pageBytes) * pageBytes;
  }
}

/** Gives every page of the file its blocks: lmdb leaves out those that a commit has taken and not needed. Content does not change. */
export function fillHoles(fd: number): void {
  const { size, blocks } = fstatSync(fd);
  if (blocks * blockBytes >= size) return;
  const piece = Buffer.alloc(pieceBytes);
  for (let at = 0; at < size; at += pieceBytes) {
    const length = readSync(fd, piece, 0, pieceBytes, at);
    for (let from = 0; from < length; from += pageBytes) {
      const page = piece.subarray(from, Math.min(from + pageBytes, length));
      // Read as zeros, it is a hole, or zeros already.
      if (page.equals(zeros.subarray(0, page.length))) writeAll(fd, page, at + from);
    }
  }
}

function writeAll(fd: number, bytes: Uint8Array, at: number): void {
  for (let done = 0; done < bytes.length; ) done += writeSync(fd, bytes, done, bytes.length - done, at + done);
}

// Adapter: a look at a data file before lmdb maps it into memory. lmdb trusts what it maps: a file with a broken head, or one that is
// shorter than it says, ends the process with a signal and without a word. Facts of lmdb's mdb.c (MDB_page, MDB_meta).
import { closeSync, fstatSync, fsyncSync, ftruncateSync, openSync, readSync } from 'node:fs';
import { open, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { damageAdvice } from '../damage-advice.ts';
import { fillHoles } from './lmdb-room.ts';

/** Of an environment, in its folder. */
export const dataFile = 'data.mdb';

const magic = 0xbeefc0de;
/** Two pages at the start say where the trees begin; they are written in turn. */
const metaPages = 2;
const metaBytes = 176;
/** Offsets in such a page. */
const at = { magic: 24, pageBytes: 48, lastPage: 144 } as const;
const pageBytesMin = 512;
const pageBytesMax = 65_536;

/** The data file is not what lmdb has written; the message says what to do. */
export class DataFileError extends Error {
  override readonly name = 'DataFileError';

  constructor(file: string, what: string, options?: ErrorOptions) {
    super(`the data of this member are damaged: ${file}: ${what}. ${damageAdvice}`, options);
  }
}

/**
 * Throws DataFileError where `file` has no head. One that ends early, which lmdb leaves where its last pages are free, is filled up
 * with zeros: should they not be free, lmdb finds no pages there and says so. Every page has its blocks on return.
 */
export function prepareDataFile(file: string): void {
  const fd = openOrNothing(file);
  if (fd === undefined) return;
  try {
    const { size } = fstatSync(fd);
    if (size === 0) return;
    const first = readMeta(fd, file, 0);
    const pageBytes = first.readUInt32LE(at.pageBytes);
    const plausible = pageBytes >= pageBytesMin && pageBytes <= pageBytesMax && (pageBytes & (pageBytes - 1)) === 0;
    if (!plausible) throw new DataFileError(file, `pages of ${pageBytes} bytes`);
    let lastPage = 0n;
    for (let page = 0; page < metaPages; page++) {
      const last = readMeta(fd, file, page * pageBytes).readBigUInt64LE(at.lastPage);
      if (last > lastPage) lastPage = last;
    }
    const length = (Number(lastPage) + 1) * pageBytes;
    if (!Number.isSafeInteger(length)) throw new DataFileError(file, `${lastPage} pages`);
    if (size < length) {
      try {
        ftruncateSync(fd, length);
      } catch (cause) {
        throw new DataFileError(file, `it has ${size} bytes of ${length}`, { cause });
      }
    }
    fillHoles(fd);
  } finally {
    closeSync(fd);
  }
}

/** The names in a folder survive a power failure from here on. */
export function syncFolder(folder: string): void {
  const fd = openSync(folder, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

/** The data file of one folder replaces that of another, durably. Its content is to be synced before. */
export async function takePlace(from: string, to: string): Promise<void> {
  await rename(join(from, dataFile), join(to, dataFile));
  const handle = await open(to, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function readMeta(fd: number, file: string, offset: number): Buffer {
  const meta = Buffer.alloc(metaBytes);
  const read = readSync(fd, meta, 0, metaBytes, offset);
  if (read < metaBytes || meta.readUInt32LE(at.magic) !== magic) {
    throw new DataFileError(file, `there is no head at byte ${offset}`);
  }
  return meta;
}

function openOrNothing(file: string): number | undefined {
  try {
    return openSync(file, 'r+');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}

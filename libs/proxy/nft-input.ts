// Adapter: the input of `nft -f`, as a file that is whole before the tool sees it. Through a pipe, a writer that is killed leaves
// the tool with a beginning, and a beginning that parses (the chains emptied, nothing filled) would be committed.
import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { tmpdir } from 'node:os';

/** Linux's open(2): a file without a name, which goes with its last descriptor, however its owner ends. */
const nameless = 0o20_000_000 | constants.O_DIRECTORY;

/** Memory first: the file system of temporary files may be full, or slow. */
const folders = ['/dev/shm', tmpdir()];

/** A descriptor to be handed to the tool as its standard input; to be closed by the caller. Only this user can read it. */
export async function wholeInput(text: string): Promise<FileHandle> {
  let last: unknown;
  for (const folder of folders) {
    try {
      const file = await open(folder, constants.O_RDWR | nameless, 0o600);
      try {
        await writeAll(file, Buffer.from(text));
        return file;
      } catch (error) {
        await file.close();
        throw error;
      }
    } catch (error) {
      last = error;
    }
  }
  throw last;
}

/** At positions of its own, so that whoever inherits the descriptor reads from the beginning. */
async function writeAll(file: FileHandle, bytes: Buffer): Promise<void> {
  for (let written = 0; written < bytes.length; )
    written += (await file.write(bytes, written, bytes.length - written, written)).bytesWritten;
}

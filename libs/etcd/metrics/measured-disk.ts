// A disk that times how long it takes to make the log durable, and counts the log's bytes.
import type { Clock } from '@drydock/foundation/clock.ts';
import type { Disk, DiskFile } from '@drydock/foundation/disk.ts';
import type { Instruments } from './instruments.ts';

const msPerSecond = 1000;

/** The same disk; files whose name begins with `prefix` are measured. */
export function measuredDisk(disk: Disk, prefix: string, clock: Clock, instruments: Instruments): Disk {
  return {
    open: async (name, mode) => {
      const file = await disk.open(name, mode);
      return name.startsWith(prefix) ? measuredFile(file, clock, instruments) : file;
    },
    writeAtomic: (name, data) => disk.writeAtomic(name, data),
    rename: (from, to) => disk.rename(from, to),
    remove: (name) => disk.remove(name),
    list: (folder) => disk.list(folder),
    makeFolder: (folder) => disk.makeFolder(folder),
  };
}

function measuredFile(file: DiskFile, clock: Clock, instruments: Instruments): DiskFile {
  const timed = async (work: Promise<void>): Promise<void> => {
    const began = clock.monotonicMs();
    await work;
    instruments.walFsync.observe((clock.monotonicMs() - began) / msPerSecond);
  };
  const { writeDurably } = file;
  return {
    write: (data, offset) => {
      instruments.walBytes += data.length;
      return file.write(data, offset);
    },
    ...(writeDurably === undefined
      ? {}
      : {
          writeDurably: (data: Uint8Array, offset: number) => {
            instruments.walBytes += data.length;
            return timed(writeDurably.call(file, data, offset));
          },
        }),
    read: (offset, length) => file.read(offset, length),
    sync: () => timed(file.sync()),
    preallocate: (length) => file.preallocate(length),
    truncate: (length) => file.truncate(length),
    size: () => file.size(),
    close: () => file.close(),
  };
}

// A received snapshot on disk: its content as it came. Whether it is whole is the transport's to know; a file with its final name is.
import type { Disk } from '@drydock/foundation/disk.ts';
import type { LogIndex } from 'raft-ts/types.ts';

const readBytes = 256 << 10;

export function snapshotFileName(index: LogIndex): string {
  return `${index.toString(16).padStart(16, '0')}.snap`;
}

/** Writes `content` to `name`, durably. A failure leaves a part of the file behind. */
export async function writeSnapshotFile(disk: Disk, name: string, content: AsyncIterable<Uint8Array>): Promise<number> {
  const file = await disk.open(name, 'create');
  try {
    await file.truncate(0);
    let at = 0;
    for await (const chunk of content) {
      await file.write(chunk, at);
      at += chunk.length;
    }
    await file.sync();
    return at;
  } finally {
    await file.close();
  }
}

export async function* readSnapshotFile(disk: Disk, name: string): AsyncIterable<Uint8Array> {
  const file = await disk.open(name, 'read');
  try {
    for (let at = 0; ; ) {
      const chunk = await file.read(at, readBytes);
      if (chunk.length === 0) return;
      at += chunk.length;
      yield chunk;
    }
  } finally {
    await file.close();
  }
}

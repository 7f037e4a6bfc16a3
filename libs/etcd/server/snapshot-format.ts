// The store's content as a stream: every bucket's records, then a checksum. For members that lag and for `snapshot save`.
import { type BackendSnapshot, type Bucket, buckets, type StoredRecord } from '../mvcc/backend.ts';
import { crc32c } from '../mvcc/crc32c.ts';

const magic = Buffer.from('DRYDOCK ETCD SNAPSHOT 1\n');
const endMark = 0xff;
/** bucket, key length, value length */
const headBytes = 9;
const chunkBytes = 64 << 10;

/** The stream is not a snapshot, or is not whole. */
export class SnapshotFormatError extends Error {
  override readonly name = 'SnapshotFormatError';
}

/** Chunks of about 64 KiB. Releases `snapshot` at the end, also an early one. */
export async function* writeSnapshot(snapshot: BackendSnapshot): AsyncGenerator<Buffer> {
  let crc = 0;
  let pieces: Buffer[] = [magic];
  let size = magic.length;
  const flush = (): Buffer => {
    const chunk = Buffer.concat(pieces, size);
    crc = crc32c(chunk, crc);
    pieces = [];
    size = 0;
    return chunk;
  };
  try {
    for (const [number, bucket] of buckets.entries()) {
      for (const { key, value } of snapshot.entries(bucket)) {
        const head = Buffer.allocUnsafe(headBytes);
        head[0] = number;
        head.writeUInt32BE(key.length, 1);
        head.writeUInt32BE(value.length, 5);
        pieces.push(head, key, value);
        size += headBytes + key.length + value.length;
        if (size >= chunkBytes) yield flush();
      }
    }
    pieces.push(Buffer.of(endMark));
    size += 1;
    yield flush();
    const sum = Buffer.allocUnsafe(4);
    sum.writeUInt32BE(crc);
    yield sum;
  } finally {
    snapshot.release();
  }
}

/** Calls `load` with batches of records; throws SnapshotFormatError where the stream is damaged. */
export async function readSnapshot(
  content: AsyncIterable<Uint8Array>,
  load: (bucket: Bucket, records: readonly StoredRecord[]) => void,
): Promise<void> {
  let rest: Buffer = Buffer.alloc(0);
  let crc = 0;
  let started = false;
  let ended = false;
  for await (const piece of content) {
    rest = rest.length === 0 ? Buffer.from(piece) : Buffer.concat([rest, piece]);
    let at = 0;
    if (!started) {
      if (rest.length < magic.length) continue;
      if (!rest.subarray(0, magic.length).equals(magic)) throw new SnapshotFormatError('not a snapshot of this store');
      started = true;
      at = magic.length;
    }
    const batches = new Map<Bucket, StoredRecord[]>();
    while (!ended && at < rest.length) {
      if (rest[at] === endMark) {
        ended = true;
        at += 1;
        break;
      }
      if (rest.length - at < headBytes) break;
      const keyEnd = at + headBytes + rest.readUInt32BE(at + 1);
      const valueEnd = keyEnd + rest.readUInt32BE(at + 5);
      const bucket = buckets[rest[at] ?? -1];
      if (bucket === undefined) throw new SnapshotFormatError(`unknown bucket ${rest[at]}`);
      if (valueEnd > rest.length) break;
      const record = { key: rest.subarray(at + headBytes, keyEnd), value: rest.subarray(keyEnd, valueEnd) };
      const batch = batches.get(bucket);
      if (batch === undefined) batches.set(bucket, [record]);
      else batch.push(record);
      at = valueEnd;
    }
    for (const [bucket, records] of batches) load(bucket, records);
    crc = crc32c(rest.subarray(0, at), crc);
    rest = rest.subarray(at);
  }
  if (!ended || rest.length < 4) throw new SnapshotFormatError('the snapshot ends early');
  if (rest.readUInt32BE(0) !== crc) throw new SnapshotFormatError('the checksum of the snapshot is wrong');
}

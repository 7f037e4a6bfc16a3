// Writes what etcd writes, for tests of what reads it: log segments, snapshot files, databases.
import { type BoltBucketSource, measureBolt, writeBolt } from '../../bbolt/writer.ts';
import { crc32c } from '../../mvcc/crc32c.ts';
import { Writer } from '../../rpc/wire.ts';

export type Fields = readonly (readonly [number, number | bigint | Uint8Array])[];

/** A message by its fields' numbers, zeros included, as gogoproto writes what is not nullable. */
export function fields(values: Fields): Buffer {
  const writer = new Writer();
  for (const [number, value] of values) {
    if (value instanceof Uint8Array) {
      writer.bytesField(number, value);
      continue;
    }
    writer.tag(number, 0);
    writer.varint64(BigInt(value));
  }
  return writer.finish();
}

export const recordTypes = { metadata: 1, entry: 2, state: 3, crc: 4, snapshot: 5 } as const;

/** One segment. `crc` is what the segment before ended with; the result's too. */
export function segment(
  records: readonly (readonly [keyof typeof recordTypes, Buffer])[],
  crc = 0,
): { content: Buffer; crc: number } {
  const parts = [
    frame(
      fields([
        [1, recordTypes.crc],
        [2, crc],
      ]),
    ),
  ];
  let sum = crc;
  for (const [type, data] of records) {
    sum = crc32c(data, sum);
    parts.push(
      frame(
        fields([
          [1, recordTypes[type]],
          [2, sum],
          [3, data],
        ]),
      ),
    );
  }
  // As etcd preallocates.
  return { content: Buffer.concat([...parts, Buffer.alloc(4096)]), crc: sum };
}

function frame(record: Buffer): Buffer {
  const padding = (8 - (record.length % 8)) % 8;
  const head = Buffer.alloc(8);
  head.writeUInt32LE(record.length);
  if (padding > 0) head[7] = 0x80 | padding;
  return Buffer.concat([head, record, Buffer.alloc(padding)]);
}

export const metadata = (id: bigint, cluster: bigint) =>
  fields([
    [1, id],
    [2, cluster],
  ]);
export const state = (term: number, vote: bigint, commit: number) =>
  fields([
    [1, term],
    [2, vote],
    [3, commit],
  ]);
export const place = (index: number, term: number) =>
  fields([
    [1, index],
    [2, term],
  ]);
export const entry = (index: number, term: number, data: Uint8Array, type = 0) =>
  fields([
    [1, type],
    [2, term],
    [3, index],
    [4, data],
  ]);

/** InternalRaftRequest. */
export const request = (field: number, message: Uint8Array) =>
  fields([
    [1, 77],
    [field, message],
  ]);
/** PutRequest. */
export const put = (key: string, value: string) =>
  request(
    4,
    fields([
      [1, Buffer.from(key)],
      [2, Buffer.from(value)],
    ]),
  );
/** raftpb.ConfChange */
export const change = (type: number, id: bigint, context: object) =>
  fields([
    [1, 5],
    [2, type],
    [3, id],
    [4, Buffer.from(JSON.stringify(context))],
  ]);
/** etcdserverpb.Request */
export const v2 = (method: string, path: string, value: string) =>
  fields([
    [1, 99],
    [2, Buffer.from(method)],
    [3, Buffer.from(path)],
    [4, Buffer.from(value)],
    [5, 0],
  ]);

export function snapshotFile(index: number, term: number, voters: readonly bigint[], store: object): Buffer {
  const conf = fields(voters.map((id) => [1, id] as const));
  const data = fields([
    [1, Buffer.from(JSON.stringify(store))],
    [
      2,
      fields([
        [1, conf],
        [2, index],
        [3, term],
      ]),
    ],
  ]);
  return fields([
    [1, crc32c(data)],
    [2, data],
  ]);
}

/** A database with nothing but how far it goes. */
export function database(consistentIndex: number): Buffer {
  const value = Buffer.alloc(8);
  value.writeBigUInt64BE(BigInt(consistentIndex));
  const meta = [{ key: Buffer.from('consistent_index'), value }];
  const buckets: BoltBucketSource[] = [
    { name: 'key', records: () => [] },
    { name: 'meta', records: () => meta },
  ];
  const measuring = measureBolt(buckets);
  let step = measuring.next();
  while (step.done !== true) step = measuring.next();
  return Buffer.concat(Array.from(writeBolt(buckets, step.value), (page) => Buffer.from(page)));
}

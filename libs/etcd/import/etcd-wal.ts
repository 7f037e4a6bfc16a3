// etcd's write-ahead log, read: segments of records, each of which is
//
//   length u56, padding u8 (0x80 + bytes, or 0) | walpb.Record (length bytes) | zeros up to a multiple of 8
//
// little endian. A record's crc is Castagnoli's over the data of all records so far; every segment begins with the crc of the one
// before it. Facts of etcd's server/storage/wal (decoder.go, wal.go).
import { crc32c } from '../mvcc/crc32c.ts';
import { bytes, decode, int, uint64 } from '../rpc/protobuf.ts';
import { CodecError } from '../rpc/wire.ts';
import { ImportError } from './errors.ts';

const Record = { type: int(1), crc: int(2), data: bytes(3) };
const kinds = ['none', 'metadata', 'entry', 'state', 'crc', 'snapshot'] as const;

export const WalMetadata = { NodeID: uint64(1), ClusterID: uint64(2) };
export const WalHardState = { term: int(1), vote: uint64(2), commit: int(3) };
export const WalSnapshot = { index: int(1), term: int(2) };
export const WalEntry = { type: int(1), term: int(2), index: int(3), data: bytes(4) };

export interface EtcdRecord {
  readonly kind: Exclude<(typeof kinds)[number], 'none' | 'crc'>;
  /** A view into the segment. */
  readonly data: Buffer;
}

const lengthBytes = 8;
const lengthMask = (1n << 56n) - 1n;
/** A write that a crash has torn leaves whole sectors of zeros. */
const sectorBytes = 512;

export interface EtcdSegment {
  readonly file: string;
  readonly read: () => Buffer;
}

/** All records in order. What a crash has torn off the end is left out. Throws ImportError where anything else is wrong. */
export function* readEtcdWal(segments: readonly EtcdSegment[]): Iterable<EtcdRecord> {
  let crc = 0;
  for (const [i, { file, read }] of segments.entries()) {
    const segment = read();
    const isLast = i === segments.length - 1;
    for (let at = 0; at + lengthBytes <= segment.length; ) {
      const head = segment.readBigInt64LE(at);
      if (head === 0n) break;
      const length = Number(head & lengthMask);
      const padding = head < 0n ? (segment[at + 7] ?? 0) & 7 : 0;
      const begin = at + lengthBytes;
      const end = begin + length + padding;
      if (end > segment.length) {
        if (isLast) return;
        throw new ImportError(`${file}: it ends inside of a record`);
      }
      const record = decoded(segment.subarray(begin, begin + length));
      const kind = kinds[record?.type ?? 0];
      if (record !== undefined && kind === 'crc') {
        // The first segment that is left tells what came before it.
        if (crc !== 0 && record.crc !== crc) throw new ImportError(`${file}: it does not continue the segment before it`);
        crc = record.crc;
      } else {
        const sum = record === undefined ? undefined : crc32c(record.data, crc);
        if (record === undefined || record.crc !== sum) {
          if (isLast && hasZeroSector(segment.subarray(begin, end), begin)) return;
          throw new ImportError(`${file}: the record at ${at} is damaged (crc mismatch)`);
        }
        crc = sum;
        if (kind === undefined || kind === 'none' || kind === 'crc')
          throw new ImportError(`${file}: the record at ${at} is of type ${record.type}`);
        yield { kind, data: record.data };
      }
      at = end;
    }
  }
}

function decoded(payload: Buffer) {
  try {
    return decode(Record, payload);
  } catch (error) {
    if (error instanceof CodecError) return undefined;
    throw error;
  }
}

function hasZeroSector(data: Buffer, offset: number): boolean {
  for (let at = 0; at < data.length; ) {
    const length = Math.min(sectorBytes - ((offset + at) % sectorBytes), data.length - at);
    if (data.subarray(at, at + length).every((byte) => byte === 0)) return true;
    at += length;
  }
  return false;
}

// How records lie in a segment. Everything is little endian and starts on a multiple of 8 bytes:
//
//   length u32 | previous u32 | crc u32 | synced u32 | payload (length bytes) | zeros up to a multiple of 8
//
// `crc` covers the rest of the header and the payload; `previous` is the crc of the record before, so that a record that was lost
// or left over breaks the chain. `synced` is how many bytes of the segment were durable when the record was written: what is after
// that may be torn by a crash, but what is before it was promised, and damage to it is damage. The checksum is zlib's CRC-32 and not Castagnoli's as in etcd:
// Node has the former natively (about 10 GB/s here), and both detect the same classes of errors at these lengths.
import { crc32 } from 'node:zlib';

export const headerBytes = 16;
export const alignmentBytes = 8;

export interface Frame {
  readonly payload: Uint8Array;
  readonly previous: number;
  readonly crc: number;
  readonly synced: number;
  /** Where the next record starts. */
  readonly end: number;
}

export function frameBytes(payloadBytes: number): number {
  return Math.ceil((headerBytes + payloadBytes) / alignmentBytes) * alignmentBytes;
}

/** Writes a record at `at` (into zeros) and returns its crc. */
export function writeFrame(buffer: Uint8Array, at: number, payload: Uint8Array, previous: number, synced: number): number {
  const view = new DataView(buffer.buffer, buffer.byteOffset + at, headerBytes);
  view.setUint32(0, payload.length, true);
  view.setUint32(4, previous, true);
  view.setUint32(12, synced, true);
  buffer.set(payload, at + headerBytes);
  const crc = checksum(buffer, at, payload.length);
  view.setUint32(8, crc, true);
  return crc;
}

/** The record at `at`: 'end' where no length is, 'broken' where the bytes are no record. */
export function readFrame(buffer: Uint8Array, at: number): Frame | 'end' | 'broken' {
  if (at + headerBytes > buffer.length) return 'end';
  const view = new DataView(buffer.buffer, buffer.byteOffset + at, headerBytes);
  const length = view.getUint32(0, true);
  if (length === 0) return 'end';
  const end = at + frameBytes(length);
  if (end > buffer.length) return 'broken';
  const crc = view.getUint32(8, true);
  if (crc !== checksum(buffer, at, length)) return 'broken';
  const payload = buffer.subarray(at + headerBytes, at + headerBytes + length);
  return { payload, previous: view.getUint32(4, true), crc, synced: view.getUint32(12, true), end };
}

/** How much of the segment had been durable, as far as whole records at or after `from` say; 0 where there are none. */
export function syncedByRecordsAfter(buffer: Uint8Array, from: number): number {
  let highest = 0;
  const words = new Uint32Array(buffer.buffer, buffer.byteOffset, Math.floor(buffer.length / 4));
  for (let at = from; at + headerBytes <= buffer.length; ) {
    if (words[at / 4] === 0) {
      at += alignmentBytes;
      continue;
    }
    const frame = readFrame(buffer, at);
    if (typeof frame === 'string') {
      at += alignmentBytes;
    } else {
      highest = Math.max(highest, frame.synced);
      at = frame.end;
    }
  }
  return highest;
}

/** Over the header without the crc itself, then the payload. */
function checksum(buffer: Uint8Array, at: number, length: number): number {
  const head = crc32(buffer.subarray(at, at + 8));
  return crc32(buffer.subarray(at + 12, at + headerBytes + length), head);
}

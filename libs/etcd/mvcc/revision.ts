// Revisions: `main` counts transactions that changed something, `sub` the changes inside one.

/** Bytes of an encoded revision; a tombstone's has one more. */
export const revisionBytes = 17;
const separator = 0x5f;
const tombstoneMark = 0x74;
const two32 = 2 ** 32;

/** The backend's key of a revision: sorts by main, then sub. The same as etcd's, so that hashes are comparable. */
export function encodeRevision(main: number, sub: number, tombstone = false): Buffer {
  const buffer = encodeRevisionInto(Buffer.allocUnsafeSlow(tombstone ? revisionBytes + 1 : revisionBytes), main, sub);
  if (tombstone) buffer[revisionBytes] = tombstoneMark;
  return buffer;
}

/** Gives `buffer`, the first `revisionBytes` of which are the revision's. */
export function encodeRevisionInto(buffer: Buffer, main: number, sub: number): Buffer {
  buffer.writeUInt32BE(Math.floor(main / two32), 0);
  buffer.writeUInt32BE(main % two32, 4);
  buffer[8] = separator;
  buffer.writeUInt32BE(0, 9);
  buffer.writeUInt32BE(sub, 13);
  return buffer;
}

export function mainOf(encoded: Buffer): number {
  return encoded.readUInt32BE(0) * two32 + encoded.readUInt32BE(4);
}

export function subOf(encoded: Buffer): number {
  return encoded.readUInt32BE(13);
}

export function isTombstone(encoded: Buffer): boolean {
  return encoded.length > revisionBytes;
}

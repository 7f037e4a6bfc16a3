// A lease in the backend: its id as the key, its granted time to live as the value.

/** Ids are int64 and may be negative: a client may choose them. */
export function leaseKey(id: bigint): string {
  return BigInt.asUintN(64, id).toString(16);
}

export function leaseIdOf(key: Buffer): bigint {
  return BigInt.asIntN(64, BigInt(`0x${key.toString()}`));
}

export function encodeTtl(seconds: number): Buffer {
  const buffer = Buffer.allocUnsafeSlow(8);
  buffer.writeBigInt64BE(BigInt(seconds));
  return buffer;
}

export function decodeTtl(value: Buffer): number {
  return Number(value.readBigInt64BE());
}

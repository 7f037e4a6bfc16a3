// CRC-32C (Castagnoli). zlib's is the other polynomial.

const polynomial = 0x82f63b78;
const table = Int32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ polynomial : crc >>> 1;
  return crc;
});

/** Continues `crc` (0 at the start) over `data`. */
export function crc32c(data: Uint8Array, crc = 0): number {
  let state = ~crc;
  for (let i = 0; i < data.length; i++) state = (state >>> 8) ^ (table[(state ^ (data[i] ?? 0)) & 0xff] ?? 0);
  return ~state >>> 0;
}

// CRC-32C (Castagnoli). zlib's is the other polynomial. Four bytes per step ("slicing"): table k is of a byte followed by k zeros.

const polynomial = 0x82f63b78;
const tables = makeTables();
const [table0 = new Int32Array(0), table1 = table0, table2 = table0, table3 = table0] = tables;

/** Continues `crc` (0 at the start) over `data`. */
export function crc32c(data: Uint8Array, crc = 0): number {
  let state = ~crc;
  let at = 0;
  for (const end = data.length - 3; at < end; at += 4) {
    // Reads are within the array: the assertions of presence cost nothing where they are bit operations.
    state ^=
      (data[at] as number) |
      ((data[at + 1] as number) << 8) |
      ((data[at + 2] as number) << 16) |
      ((data[at + 3] as number) << 24);
    state =
      (table3[state & 0xff] as number) ^
      (table2[(state >>> 8) & 0xff] as number) ^
      (table1[(state >>> 16) & 0xff] as number) ^
      (table0[state >>> 24] as number);
  }
  for (; at < data.length; at++) state = (state >>> 8) ^ (table0[(state ^ (data[at] as number)) & 0xff] as number);
  return ~state >>> 0;
}

function makeTables(): Int32Array[] {
  const first = Int32Array.from({ length: 256 }, (_, byte) => {
    let crc = byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ polynomial : crc >>> 1;
    return crc;
  });
  const all = [first];
  for (let k = 1; k < 4; k++) {
    const before = all[k - 1] ?? first;
    all.push(before.map((crc) => (crc >>> 8) ^ (first[crc & 0xff] ?? 0)));
  }
  return all;
}

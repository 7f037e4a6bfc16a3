// HPACK's Huffman code (RFC 7541, section 5.2 and appendix B). The code is canonical: the lengths of the codes say all.

/** Bits of each symbol's code in base 36; the last is the end of the string, which is only used as padding. */
const codeLengths =
  'dnsssssssoussussssssssusssssssss6aacd68baa8b8666555666666678f6ca' +
  'd67777777777777777777777878djde6f56565666577666567655677777fbeds' +
  'kmkkmmmnmnnnnnonoomnonnnnlmnmnnomlkmmnnlnmmolmnnllmlnmnnkmmmnmmn' +
  'qqkjmnmpqqqrrqopjlqrrqrollqqsrrrkoklmllnmmppooqnqrqqrrrrrsrrrrrq' +
  'u';
const endOfString = 256;
const bitsMax = 30;
/** Padding is shorter than a byte. */
const paddingBitsMax = 7;

/** Of each length: its first code, how many codes there are, and where their symbols begin in `symbols`. */
const firstCode = new Int32Array(bitsMax + 1);
const codeCount = new Int32Array(bitsMax + 1);
const firstSymbol = new Int32Array(bitsMax + 1);
const symbols = [...codeLengths]
  .map((digit, symbol) => ({ symbol, bits: Number.parseInt(digit, 36) }))
  .sort((a, b) => a.bits - b.bits || a.symbol - b.symbol)
  .map(({ symbol, bits }) => {
    codeCount[bits] = (codeCount[bits] ?? 0) + 1;
    return symbol;
  });
for (let bits = 1; bits <= bitsMax; bits++) {
  const before = codeCount[bits - 1] ?? 0;
  firstCode[bits] = ((firstCode[bits - 1] ?? 0) + before) << 1;
  firstSymbol[bits] = (firstSymbol[bits - 1] ?? 0) + before;
}

/** The string in latin1; undefined where the bytes are no such code. */
export function decodeHuffman(bytes: Buffer): string | undefined {
  // The shortest code has five bits.
  const text = Buffer.allocUnsafe(Math.ceil((bytes.length * 8) / 5));
  let length = 0;
  let code = 0;
  let bits = 0;
  for (const byte of bytes) {
    for (let mask = 0x80; mask > 0; mask >>= 1) {
      code = (code << 1) | ((byte & mask) === 0 ? 0 : 1);
      bits++;
      if (bits > bitsMax) return undefined;
      const offset = code - (firstCode[bits] ?? 0);
      if (offset < 0 || offset >= (codeCount[bits] ?? 0)) continue;
      const symbol = symbols[(firstSymbol[bits] ?? 0) + offset] ?? endOfString;
      if (symbol === endOfString) return undefined;
      text[length++] = symbol;
      code = 0;
      bits = 0;
    }
  }
  const isPadding = bits <= paddingBitsMax && code === (1 << bits) - 1;
  return isPadding ? text.toString('latin1', 0, length) : undefined;
}

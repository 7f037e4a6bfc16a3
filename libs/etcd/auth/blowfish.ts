// Blowfish with the expensive key schedule of bcrypt. Schneier, "Description of a New Variable-Length Key, 64-Bit Block Cipher",
// 1994; Provos and Mazieres, "A Future-Adaptable Password Scheme", 1999, section 3.

const rounds = 16;
const subkeyCount = rounds + 2;
const boxEntries = 256;
const boxCount = 4;
const wordBits = 32;

/** Subkeys and S-boxes of one key. Words are signed 32 bit numbers. */
export class Blowfish {
  readonly #subkeys: Int32Array;
  readonly #boxes: Int32Array;
  readonly #block = new Int32Array(2);

  /** Without any key yet: the fraction of pi. */
  constructor() {
    const words = piWords();
    this.#subkeys = words.slice(0, subkeyCount);
    this.#boxes = words.slice(subkeyCount);
  }

  /** Mixes `key` (`keyWords`) into the subkeys, then replaces all by a chain of encryptions into which `salt` goes in turns. */
  expand(key: Int32Array, salt: Int32Array | undefined): void {
    const block = this.#block.fill(0);
    for (let i = 0; i < subkeyCount; i++) this.#subkeys[i] = (this.#subkeys[i] ?? 0) ^ (key[i] ?? 0);
    let saltAt = 0;
    for (const table of [this.#subkeys, this.#boxes]) {
      for (let i = 0; i < table.length; i += 2) {
        if (salt !== undefined) {
          block[0] = (block[0] ?? 0) ^ (salt[saltAt] ?? 0);
          block[1] = (block[1] ?? 0) ^ (salt[saltAt + 1] ?? 0);
          saltAt = (saltAt + 2) % salt.length;
        }
        this.encrypt(block, 0);
        table[i] = block[0] ?? 0;
        table[i + 1] = block[1] ?? 0;
      }
    }
  }

  /** Encrypts the two words at `at` in place. */
  encrypt(words: Int32Array, at: number): void {
    const subkeys = this.#subkeys;
    const boxes = this.#boxes;
    let left = words[at] as number;
    let right = words[at + 1] as number;
    for (let i = 0; i < rounds; i += 2) {
      left ^= subkeys[i] as number;
      right ^= mix(boxes, left);
      right ^= subkeys[i + 1] as number;
      left ^= mix(boxes, right);
    }
    words[at] = right ^ (subkeys[rounds + 1] as number);
    words[at + 1] = left ^ (subkeys[rounds] as number);
  }
}

/** The words that key or salt of any length give when they are repeated, `count` of them. */
export function keyWords(bytes: Uint8Array, count = subkeyCount): Int32Array {
  const words = new Int32Array(count);
  let at = 0;
  for (let i = 0; i < count; i++) {
    for (let j = 0; j < 4; j++) {
      words[i] = ((words[i] ?? 0) << 8) | (bytes[at] ?? 0);
      at = (at + 1) % bytes.length;
    }
  }
  return words;
}

function mix(boxes: Int32Array, word: number): number {
  const sum = ((boxes[word >>> 24] as number) + (boxes[boxEntries + ((word >>> 16) & 0xff)] as number)) | 0;
  return (
    ((sum ^ (boxes[2 * boxEntries + ((word >>> 8) & 0xff)] as number)) + (boxes[3 * boxEntries + (word & 0xff)] as number)) | 0
  );
}

let pi: Int32Array | undefined;

/** The first bits of pi's fraction: Blowfish's tables have no other content, so they are computed instead of listed. */
function piWords(): Int32Array {
  if (pi !== undefined) return pi;
  const count = subkeyCount + boxCount * boxEntries;
  const guardBits = 64n;
  const bits = BigInt(count * wordBits);
  const one = 1n << (bits + guardBits);
  // Machin's formula.
  const value = (16n * inverseTangent(5n, one) - 4n * inverseTangent(239n, one)) >> guardBits;
  const hex = (value - (3n << bits)).toString(16).padStart(count * 8, '0');
  pi = Int32Array.from({ length: count }, (_, i) => Number.parseInt(hex.slice(i * 8, i * 8 + 8), 16) | 0);
  return pi;
}

/** arctan(1 / x) in units of 1 / `one`. */
function inverseTangent(x: bigint, one: bigint): bigint {
  const square = x * x;
  let power = one / x;
  let sum = power;
  for (let n = 3n, sign = -1n; power > 0n; n += 2n, sign = -sign) {
    power /= square;
    sum += (sign * power) / n;
  }
  return sum;
}

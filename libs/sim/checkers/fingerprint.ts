// 64 bits that stand for a set of key-values, kept up to date in one step per change. Equal sets have equal bits; sets that
// differ have equal bits once in 2^64, which a search that remembers some millions of states can neglect.
import type { KeyValue } from '../history/operation.ts';

const [lowSeed, highSeed] = [0x811c9dc5, 0x9747b28c];

export class Fingerprint {
  #low = 0;
  #high = 0;
  /** Of values, which are long and come again with every step that is tried and taken back. */
  readonly #values = new Map<string, string>();

  /** Adds what is not in the set, removes what is. */
  toggle(kv: KeyValue): void {
    const text = `${kv.key}\0${this.#valueBits(kv.value)}\0${kv.createRevision}\0${kv.modRevision}\0${kv.version}\0${kv.lease}`;
    this.toggleText(text);
  }

  toggleText(text: string): void {
    this.#low ^= hash(text, lowSeed);
    this.#high ^= hash(text, highSeed);
  }

  #valueBits(value: string): string {
    let bits = this.#values.get(value);
    if (bits === undefined) {
      bits = `${hash(value, lowSeed)}.${hash(value, highSeed)}`;
      this.#values.set(value, bits);
    }
    return bits;
  }

  toString(): string {
    return `${this.#low}.${this.#high}`;
  }
}

/** FNV-1a with a final mix, so that the exclusive or of many keeps its bits apart. */
function hash(text: string, seed: number): number {
  let h = seed;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
}

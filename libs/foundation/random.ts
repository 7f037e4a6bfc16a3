// Randomness as a port: one seed, many named streams, so that a new consumer does not shift the values of the others.

/** One named stream of pseudo-random values. */
export interface RandomStream {
  /** A float in [0, 1). */
  next(): number;
  /** A whole number in [0, bound). */
  int(bound: number): number;
  /** `count` bytes. */
  bytes(count: number): Uint8Array;
  /** An RFC 4122 version 4 UUID, lower case. */
  uuid(): string;
  /** `count` characters of the alphabet that Kubernetes uses for generated names (no vowels, no 0, 1, 3). */
  suffix(count: number): string;
}

/** A source of named streams. The same name gives the same stream object. */
export interface Random {
  stream(name: string): RandomStream;
}

/** The alphabet of k8s.io/apimachinery/pkg/util/rand. */
const suffixAlphabet = 'bcdfghjklmnpqrstvwxz2456789';

/** Builds a stream on a function that gives 32 random bits. */
export function streamFrom(next32: () => number): RandomStream {
  const int = (bound: number) => Math.floor((next32() / 2 ** 32) * bound);
  const bytes = (count: number) => Uint8Array.from({ length: count }, () => next32() & 0xff);
  return {
    next: () => next32() / 2 ** 32,
    int,
    bytes,
    uuid: () => {
      const b = bytes(16);
      b[6] = ((b[6] ?? 0) & 0x0f) | 0x40;
      b[8] = ((b[8] ?? 0) & 0x3f) | 0x80;
      const hex = Array.from(b, (byte) => byte.toString(16).padStart(2, '0')).join('');
      return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
    },
    suffix: (count) => Array.from({ length: count }, () => suffixAlphabet[int(suffixAlphabet.length)]).join(''),
  };
}

/** Deterministic streams from one seed (splitmix-seeded sfc32 per name). */
export class SeededRandom implements Random {
  readonly #streams = new Map<string, RandomStream>();
  readonly #seed: string;

  constructor(seed: number | string) {
    this.#seed = String(seed);
  }

  stream(name: string): RandomStream {
    let stream = this.#streams.get(name);
    if (stream === undefined) {
      stream = streamFrom(sfc32(`${this.#seed}/${name}`));
      this.#streams.set(name, stream);
    }
    return stream;
  }
}

/** Chris Doty-Humphrey's small fast counting generator, 32-bit variant, seeded by an FNV-1a hash of the text. */
function sfc32(seed: string): () => number {
  let hash = 0x811c9dc5;
  const mix = (): number => {
    for (let i = 0; i < seed.length; i++) hash = Math.imul(hash ^ seed.charCodeAt(i), 0x01000193);
    return hash >>> 0;
  };
  let [a, b, c, counter] = [mix(), mix(), mix(), 1];
  const next = (): number => {
    const t = (a + b + counter) >>> 0;
    counter = (counter + 1) >>> 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) >>> 0;
    c = ((c << 21) | (c >>> 11)) >>> 0;
    c = (c + t) >>> 0;
    return t;
  };
  for (let i = 0; i < 12; i++) next();
  return next;
}

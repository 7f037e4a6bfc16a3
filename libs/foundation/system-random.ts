// Adapter: randomness of the operating system.
import { randomBytes } from 'node:crypto';
import { type Random, type RandomStream, streamFrom } from './random.ts';

/** Cryptographic randomness. Construct it in `apps/*` only. */
export class SystemRandom implements Random {
  readonly #stream = streamFrom(buffered());

  stream(_name: string): RandomStream {
    return this.#stream;
  }
}

const bufferBytes = 4096;

function buffered(): () => number {
  let pool = Buffer.alloc(0);
  let at = 0;
  return () => {
    if (at + 4 > pool.length) {
      pool = randomBytes(bufferBytes);
      at = 0;
    }
    const value = pool.readUInt32LE(at);
    at += 4;
    return value;
  };
}

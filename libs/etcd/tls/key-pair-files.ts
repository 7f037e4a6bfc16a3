// Adapter: a certificate and its key in two files that may be replaced at any time. etcd reads them for every connection; here they
// are read again when the files have changed, and what cannot be read leaves the last pair in use.
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync, type Stats, statSync } from 'node:fs';

import type { KeyPair } from './settings.ts';

export class KeyPairFiles {
  readonly #certFile: string;
  readonly #keyFile: string;
  #version: string;
  #pair: KeyPair;

  /** Throws what reading throws. */
  constructor(certFile: string, keyFile: string) {
    this.#certFile = certFile;
    this.#keyFile = keyFile;
    this.#version = this.#versionNow();
    this.#pair = this.#read();
  }

  /** @param failed is told, once, of files that have changed and are of no use. */
  current(failed: (error: Error) => void = () => {}): KeyPair {
    let version = '';
    try {
      version = this.#versionNow();
      if (version === this.#version) return this.#pair;
      const pair = this.#read();
      // Two files are not replaced in one moment.
      if (!new X509Certificate(pair.cert).checkPrivateKey(createPrivateKey(pair.key))) return this.#pair;
      this.#pair = pair;
    } catch (error) {
      if (version !== this.#version) failed(error as Error);
    }
    this.#version = version;
    return this.#pair;
  }

  #versionNow(): string {
    const of = ({ ino, size, mtimeMs }: Stats) => `${ino}/${size}/${mtimeMs}`;
    return `${of(statSync(this.#certFile))} ${of(statSync(this.#keyFile))}`;
  }

  #read(): KeyPair {
    return { cert: readFileSync(this.#certFile), key: readFileSync(this.#keyFile) };
  }
}

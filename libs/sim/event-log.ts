// Everything that happened in a world, one line each, as a running hash: two runs of one seed are the same run when it is equal.
import { createHash, type Hash } from 'node:crypto';

/** Lines are hashed in pieces of about this many characters. */
const pieceLength = 64 << 10;
/** The newest lines are kept, to be shown when something goes wrong. */
const tailLinesMax = 200;

export class EventLog {
  readonly #hash: Hash = createHash('sha256');
  readonly #onLine: ((line: string) => void) | undefined;
  readonly #tail: string[] = [];
  #piece = '';
  #lines = 0;

  /** @param onLine sees every line, for a person. */
  constructor(onLine?: (line: string) => void) {
    this.#onLine = onLine;
  }

  get lines(): number {
    return this.#lines;
  }

  add(atUs: number, text: string): void {
    const line = `${atUs} ${text}`;
    this.#lines++;
    this.#piece += `${line}\n`;
    if (this.#piece.length >= pieceLength) this.#flush();
    this.#tail[this.#lines % tailLinesMax] = line;
    this.#onLine?.(line);
  }

  /** Of all lines so far. */
  digest(): string {
    this.#flush();
    return this.#hash.copy().digest('hex').slice(0, 16);
  }

  /** The newest lines, oldest first. */
  tail(): string[] {
    const from = (this.#lines + 1) % tailLinesMax;
    return [...this.#tail.slice(from), ...this.#tail.slice(0, from)].filter((line) => line !== undefined);
  }

  #flush(): void {
    this.#hash.update(this.#piece, 'latin1');
    this.#piece = '';
  }
}

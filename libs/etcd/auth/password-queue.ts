// A bound on what passwords cost, for whoever sends one need not be known yet: so many are hashed at one time, so many wait.
import { EtcdError } from '../errors.ts';
import type { PasswordHasher } from './passwords.ts';

export class PasswordQueue implements PasswordHasher {
  readonly #hasher: PasswordHasher;
  readonly #waitingMax: number;
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  constructor(hasher: PasswordHasher, waitingMax: number) {
    this.#hasher = hasher;
    this.#waitingMax = waitingMax;
  }

  get sideBySide(): number {
    return this.#hasher.sideBySide;
  }

  /** In the order of the calls. Rejects with `tooManyRequests`, at once, where too many wait already. */
  async hash(password: string, setting: string): Promise<string> {
    if (this.#running < this.sideBySide) this.#running++;
    else await this.#turn();
    try {
      return await this.#hasher.hash(password, setting);
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#running--;
      else next();
    }
  }

  #turn(): Promise<void> {
    if (this.#waiting.length >= this.#waitingMax) return Promise.reject(new EtcdError('tooManyRequests'));
    return new Promise((resolve) => this.#waiting.push(resolve));
  }
}

// `--auth-token simple`: random text that every member learns from the log. Each counts its time by itself, and use renews it.
import type { Clock } from '@drydock/foundation/clock.ts';
import type { RandomStream } from '@drydock/foundation/random.ts';
import { limits } from '../limits.ts';

const letters = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ';
const prefixLength = 16;

interface Known {
  readonly user: string;
  dueMs: number;
}

export class SimpleTokens {
  readonly #clock: Clock;
  readonly #ttlMs: number;
  /** The one that ends first comes first. */
  readonly #known = new Map<string, Known>();

  constructor(clock: Clock, ttlMs: number) {
    this.#clock = clock;
    this.#ttlMs = ttlMs;
  }

  get size(): number {
    return this.#known.size;
  }

  add(token: string, user: string): void {
    this.#forgetExpired();
    const [oldest] = this.#known.keys();
    if (this.#known.size >= limits.authTokens && oldest !== undefined) this.#known.delete(oldest);
    this.#known.set(token, { user, dueMs: this.#clock.monotonicMs() + this.#ttlMs });
  }

  /** Whose it is; gives it its full time again. */
  userOf(token: string): string | undefined {
    this.#forgetExpired();
    const known = this.#known.get(token);
    if (known === undefined) return undefined;
    this.#known.delete(token);
    this.add(token, known.user);
    return known.user;
  }

  /** Forgets a user's tokens, or all. */
  invalidate(user: string | undefined): void {
    if (user === undefined) this.#known.clear();
    else for (const [token, known] of this.#known) if (known.user === user) this.#known.delete(token);
  }

  #forgetExpired(): void {
    const now = this.#clock.monotonicMs();
    for (const [token, { dueMs }] of this.#known) {
      if (dueMs > now) return;
      this.#known.delete(token);
    }
  }
}

/** The part of a token that is chosen before it is proposed. */
export function tokenPrefix(random: RandomStream): string {
  return Array.from({ length: prefixLength }, () => letters[random.int(letters.length)]).join('');
}

/** The index of the log entry makes it unique, and tells a member that lags how far it must come to know it. */
export function simpleToken(prefix: string, index: number): string {
  return `${prefix}.${index}`;
}

export function prefixOfToken(token: string): string {
  return token.slice(0, token.indexOf('.'));
}

/** The log index in a token; undefined where it is none. */
export function indexOfToken(token: string): number | undefined {
  const match = /^[^.]+\.(\d+)$/.exec(token);
  const index = Number(match?.[1] ?? Number.NaN);
  return Number.isSafeInteger(index) ? index : undefined;
}

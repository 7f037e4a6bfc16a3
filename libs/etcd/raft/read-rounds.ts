// Many linearizable reads, one question to the quorum: callers that arrive while a round is under way share the next one.
import type { Clock, Timer } from '@drydock/foundation/clock.ts';
import type { LogIndex } from 'raft-ts/types.ts';
import { limits } from './options.ts';

interface Caller {
  readonly resolve: (index: LogIndex) => void;
  readonly reject: (reason: unknown) => void;
  readonly release: () => void;
}

interface Round {
  readonly callers: Set<Caller>;
  /** Contexts that were asked for this round; an answer to any of them serves it. */
  readonly contexts: Set<bigint>;
}

interface Confirmed {
  readonly index: LogIndex;
  readonly callers: Set<Caller>;
}

export class ReadRounds {
  readonly #clock: Clock;
  readonly #ask: (context: bigint) => void;
  #nextContext: bigint;
  /** Waits for its round to begin. */
  #waiting: Set<Caller> = new Set();
  #current: Round | undefined;
  #retry: Timer | undefined;
  /** Confirmed, and waiting for the state machine. */
  #confirmed: Confirmed[] = [];

  /** @param firstContext differs between lives of the process, so that a late answer to an earlier one means nothing. */
  constructor(clock: Clock, firstContext: bigint, ask: (context: bigint) => void) {
    this.#clock = clock;
    this.#nextContext = firstContext;
    this.#ask = ask;
  }

  read(signal?: AbortSignal): Promise<LogIndex> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) {
        reject(signal.reason);
        return;
      }
      const abort = (): void => {
        this.#drop(caller);
        reject(signal?.reason);
      };
      const caller: Caller = { resolve, reject, release: () => signal?.removeEventListener('abort', abort) };
      signal?.addEventListener('abort', abort, { once: true });
      this.#waiting.add(caller);
    });
  }

  /** Starts a round for everybody who waits, unless one is under way; called once per turn of the loop. */
  begin(): void {
    if (this.#current !== undefined || this.#waiting.size === 0) return;
    this.#current = { callers: this.#waiting, contexts: new Set() };
    this.#waiting = new Set();
    this.#askRound(this.#current);
  }

  /** The quorum has answered. */
  confirmed(context: bigint, index: LogIndex, applied: LogIndex): void {
    const round = this.#current;
    if (round === undefined || !round.contexts.has(context)) return;
    this.#confirmed.push({ index, callers: round.callers });
    this.#current = undefined;
    this.#retry?.cancel();
    this.applied(applied);
    this.begin();
  }

  /** The state machine has come this far. */
  applied(applied: LogIndex): void {
    if (this.#confirmed.length === 0) return;
    const rest: Confirmed[] = [];
    for (const round of this.#confirmed) {
      if (round.index > applied) {
        rest.push(round);
        continue;
      }
      for (const caller of round.callers) {
        caller.release();
        caller.resolve(round.index);
      }
    }
    this.#confirmed = rest;
  }

  /** A new leader: the old one's answer will not come. */
  askAgain(): void {
    if (this.#current !== undefined) this.#askRound(this.#current);
  }

  stop(reason: unknown): void {
    this.#retry?.cancel();
    const all = [
      ...this.#waiting,
      ...(this.#current?.callers ?? []),
      ...this.#confirmed.flatMap(({ callers }) => [...callers]),
    ];
    this.#waiting = new Set();
    this.#current = undefined;
    this.#confirmed = [];
    for (const caller of all) {
      caller.release();
      caller.reject(reason);
    }
  }

  #askRound(round: Round): void {
    const context = this.#nextContext++;
    // Enough to recognise answers that are late; a round that lasts longer than that many retries has no use for older ones.
    if (round.contexts.size >= contextsPerRoundMax) round.contexts.clear();
    round.contexts.add(context);
    this.#ask(context);
    this.#retry?.cancel();
    this.#retry = this.#clock.timer(limits.readRetryMs, () => this.askAgain());
  }

  #drop(caller: Caller): void {
    this.#waiting.delete(caller);
    this.#current?.callers.delete(caller);
    for (const { callers } of this.#confirmed) callers.delete(caller);
  }
}

const contextsPerRoundMax = 16;

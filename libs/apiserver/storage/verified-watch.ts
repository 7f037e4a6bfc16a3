// A watch of the store that passes nothing on before somebody has vouched for the store behind it.
import { heldSignalsMax } from '../limits.ts';
import type { StoreWatch, WatchSignal } from './store.ts';

/**
 * Signals wait until `verify` says true, which is asked once the store has taken the watch: what vouches for the store must be
 * read after the watch stands, or the store could be exchanged in between. A `verify` that fails closes the watch, to be tried
 * again; one that says false ends it as compacted.
 */
export class VerifiedWatch {
  readonly #open: (receive: (signal: WatchSignal) => void) => StoreWatch;
  readonly #verify: () => Promise<boolean>;
  readonly #onSignal: (signal: WatchSignal) => void;
  #inner: StoreWatch | undefined;
  #held: WatchSignal[] | undefined = [];
  #progressAsked = false;
  #done = false;

  constructor(
    open: (receive: (signal: WatchSignal) => void) => StoreWatch,
    verify: () => Promise<boolean>,
    onSignal: (signal: WatchSignal) => void,
  ) {
    this.#open = open;
    this.#verify = verify;
    this.#onSignal = onSignal;
  }

  /** May deliver signals at once. */
  start(): void {
    const inner = this.#open((signal) => this.#receive(signal));
    this.#inner = inner;
    if (this.#done) inner.close();
  }

  requestProgress(): void {
    if (this.#held === undefined) this.#inner?.requestProgress();
    else this.#progressAsked = true;
  }

  /** Ends without a signal. */
  close(): void {
    this.#done = true;
    this.#inner?.close();
  }

  /** Ends as compacted: the position means nothing any more. */
  lose(reason: string): void {
    this.#finish({ type: 'closed', compacted: true, reason });
  }

  #receive(signal: WatchSignal): void {
    if (this.#done) return;
    if (signal.type === 'closed') this.#finish(signal);
    else if (this.#held === undefined) this.#onSignal(signal);
    else {
      this.#held.push(signal);
      if (this.#held.length > heldSignalsMax)
        this.#finish({ type: 'closed', compacted: false, reason: 'not verified in time' });
      else if (signal.type === 'created') void this.#check();
    }
  }

  async #check(): Promise<void> {
    try {
      if (await this.#verify()) this.#release();
      else this.lose('the store has another history');
    } catch (error) {
      this.#finish({ type: 'closed', compacted: false, reason: error instanceof Error ? error.message : String(error) });
    }
  }

  #release(): void {
    const held = this.#held ?? [];
    this.#held = undefined;
    for (const signal of held) if (!this.#done) this.#onSignal(signal);
    if (this.#progressAsked && !this.#done) this.#inner?.requestProgress();
  }

  #finish(signal: Extract<WatchSignal, { type: 'closed' }>): void {
    if (this.#done) return;
    this.close();
    this.#onSignal(signal);
  }
}

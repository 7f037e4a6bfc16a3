// What the other side of a connection may spend of this side's time on frames that are no work: beyond it the connection ends.
import type { Clock } from '@drydock/foundation/clock.ts';
import { Allowance, type AllowanceLimit } from './allowance.ts';
import { ConnectionError, errorCodes } from './frames.ts';
import { idleFramesAllowance, settingsAllowance, streamErrorsAllowance } from './limits.ts';

export class Spending {
  readonly #clock: Clock;
  readonly #settings: Allowance;
  readonly #idleFrames: Allowance;
  readonly #streamErrors: Allowance;

  constructor(clock: Clock) {
    this.#clock = clock;
    const of = (limit: AllowanceLimit) => new Allowance(limit, clock.monotonicMs());
    this.#settings = of(settingsAllowance);
    this.#idleFrames = of(idleFramesAllowance);
    this.#streamErrors = of(streamErrorsAllowance);
  }

  /** Throws ConnectionError, as the others do. */
  settings(): void {
    this.#spend(this.#settings, 'too many settings');
  }

  /** A frame that has no effect. */
  idleFrame(): void {
    this.#spend(this.#idleFrames, 'too many frames without an effect');
  }

  streamError(message: string): void {
    this.#spend(this.#streamErrors, message);
  }

  #spend(allowance: Allowance, message: string): void {
    if (allowance.isSpent(this.#clock.monotonicMs())) throw new ConnectionError(errorCodes.calm, message);
  }
}

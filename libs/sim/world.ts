// A whole cluster in one process: the earliest event happens, everything that it sets free without time passing runs to its end,
// then the next. Virtual time is whole microseconds and costs nothing to wait for.
import { SeededRandom } from '@drydock/foundation/random.ts';
import { EventLog } from './event-log.ts';
import { EventQueue, type QueuedEvent } from './event-queue.ts';
import { forbidNondeterminism } from './guard.ts';
import { Tally } from './tally.ts';

/** Something that will happen; `cancel` is idempotent. */
export interface Scheduled {
  cancel(): void;
}

/** Events of one run without an end in sight. */
const eventsMax = 50_000_000;

/** The world does not end: too many events for the time that it was given. */
export class EndlessWorldError extends Error {
  override readonly name = 'EndlessWorldError';
}

export class World {
  readonly random: SeededRandom;
  readonly log: EventLog;
  readonly tally = new Tally();
  readonly #queue = new EventQueue();
  #sequence = 0;
  #nowUs = 0;
  #events = 0;
  #failure: unknown;
  #failed = false;
  /** Looks at the world after every event; what it throws ends the run. */
  afterEvent: () => void = () => {};

  constructor(seed: number | string, onLine?: (line: string) => void) {
    this.random = new SeededRandom(seed);
    this.log = new EventLog(onLine);
  }

  /** Since the beginning of the world. */
  get nowUs(): number {
    return this.#nowUs;
  }

  get events(): number {
    return this.#events;
  }

  /** Adds a line to the log. */
  note(text: string): void {
    this.log.add(this.#nowUs, text);
  }

  /** Calls `run` after `delayUs`, at least one microsecond. */
  schedule(delayUs: number, run: () => void): Scheduled {
    const atUs = this.#nowUs + Math.max(1, Math.round(delayUs));
    const event: QueuedEvent = { atUs, sequence: this.#sequence++, run, cancelled: false };
    this.#queue.push(event);
    return {
      cancel: () => {
        event.cancelled = true;
      },
    };
  }

  sleep(delayUs: number): Promise<void> {
    return new Promise((resolve) => this.schedule(delayUs, resolve));
  }

  /** Ends the run with `error`; the first one counts. */
  fail(error: unknown): void {
    if (this.#failed) return;
    this.#failed = true;
    this.#failure = error;
  }

  /** Runs until `done` says so, after an event, or nothing is left to happen before `untilUs`. Rejects with what `fail` was given. */
  async run(untilUs: number, done: () => boolean = () => false): Promise<void> {
    const allow = forbidNondeterminism();
    try {
      await turn();
      await new Promise<void>((resolve) => this.#loop(untilUs, done, resolve));
    } finally {
      allow();
    }
    if (this.#failed) throw this.#failure;
  }

  #loop(untilUs: number, done: () => boolean, end: () => void): void {
    const step = (): void => {
      if (this.#check(done)) {
        end();
        return;
      }
      const next = this.#queue.peek();
      if (next === undefined || next.atUs > untilUs) {
        this.#nowUs = Math.max(this.#nowUs, untilUs);
        end();
        return;
      }
      this.#queue.pop();
      this.#nowUs = next.atUs;
      if (++this.#events > eventsMax) this.fail(new EndlessWorldError(`more than ${eventsMax} events`));
      try {
        next.run();
      } catch (error) {
        this.fail(error);
      }
      // Promise callbacks that are ready now run before this.
      setImmediate(step);
    };
    step();
  }

  #check(done: () => boolean): boolean {
    try {
      if (!this.#failed) this.afterEvent();
      return this.#failed || done();
    } catch (error) {
      this.fail(error);
      return true;
    }
  }
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

// Writes down a history while it happens.
import { type Base, emptyBase, type History, type LeaderObservation, type MemberHash, type SpaceReport } from './history.ts';
import type { Micros, Operation, Outcome, Request } from './operation.ts';
import type { Watch, WatchRequest, WatchResponse } from './watch.ts';

/** One operation on its way. */
export interface Pending {
  /** Its outcome, once. */
  end(outcome: Outcome): void;
}

type SpaceKnown = Omit<Extract<SpaceReport, { kind: 'full' }>, 'time'> | Omit<Extract<SpaceReport, { kind: 'disarm' }>, 'time'>;

/** One watch that is open. */
export interface OpenWatch {
  readonly id: number;
  add(response: Omit<WatchResponse, 'time'>): void;
}

export class Recorder {
  base: Base = emptyBase;
  readonly #now: () => Micros;
  readonly #operations: Operation[] = [];
  readonly #pending = new Map<number, Omit<Operation, 'return' | 'outcome'>>();
  readonly #watches: Watch[] = [];
  readonly #hashes: MemberHash[] = [];
  readonly #leaders: LeaderObservation[] = [];
  readonly #faults: { time: Micros; text: string }[] = [];
  readonly #space: SpaceReport[] = [];
  #id = 0;

  /** `now` gives whole microseconds of one monotonic clock. */
  constructor(now: () => Micros) {
    this.#now = now;
  }

  /** Operations with an outcome so far. */
  get operations(): readonly Operation[] {
    return this.#operations;
  }

  begin(client: string, request: Request): Pending {
    const id = this.#id++;
    const begun = { id, client, invoke: this.#now(), request };
    this.#pending.set(id, begun);
    return {
      end: (outcome) => {
        if (!this.#pending.delete(id)) throw new RangeError(`operation ${id} has its outcome already`);
        this.#operations.push({ ...begun, return: this.#now(), outcome });
      },
    };
  }

  watch(client: string, request: WatchRequest): OpenWatch {
    const responses: WatchResponse[] = [];
    const id = this.#watches.length;
    this.#watches.push({ id, client, invoke: this.#now(), request, responses });
    return { id, add: (response) => responses.push({ time: this.#now(), ...response }) };
  }

  hash(hash: Omit<MemberHash, 'time'>): void {
    this.#hashes.push({ time: this.#now(), ...hash });
  }

  leader(observation: Omit<LeaderObservation, 'time'>): void {
    this.#leaders.push({ time: this.#now(), ...observation });
  }

  space(report: SpaceKnown): void {
    this.#space.push({ time: this.#now(), ...report });
  }

  now(): Micros {
    return this.#now();
  }

  fault(text: string): void {
    this.#faults.push({ time: this.#now(), text });
  }

  /** All so far; operations without an outcome are unknown. */
  history(): History {
    const now = this.#now();
    const open = [...this.#pending.values()].map(
      (begun): Operation => ({ ...begun, return: now, outcome: { kind: 'unknown', error: 'no answer yet' } }),
    );
    return {
      base: this.base,
      operations: [...this.#operations, ...open].sort((a, b) => a.invoke - b.invoke || a.id - b.id),
      watches: this.#watches.map((watch) => ({ ...watch, responses: [...watch.responses] })),
      hashes: [...this.#hashes],
      leaders: [...this.#leaders],
      faults: [...this.#faults],
      space: [...this.#space],
    };
  }
}

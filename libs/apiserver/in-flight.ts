// Requests under way at once, of both front ends together (--max-requests-inflight, --max-mutating-requests-inflight).
import { apiError } from '@drydock/api/status.ts';

export interface InFlightLimits {
  readonly reads: number;
  readonly writes: number;
}

const readVerbs: ReadonlySet<string> = new Set(['get', 'list', 'watch', 'head', 'options']);

/** Counts what is under way. A place is taken after a caller is known and before anything is read of what they send. */
export class InFlight {
  readonly #limits: InFlightLimits;
  #reads = 0;
  #writes = 0;

  constructor(limits: InFlightLimits) {
    this.#limits = limits;
  }

  get counts(): { readonly reads: number; readonly writes: number } {
    return { reads: this.#reads, writes: this.#writes };
  }

  /** Takes a place; returns what gives it back, to be called once. Fails with TooManyRequests where there is none; 0: no limit. */
  enter(verb: string): () => void {
    const read = readVerbs.has(verb);
    const [taken, limit] = read ? [this.#reads, this.#limits.reads] : [this.#writes, this.#limits.writes];
    if (limit > 0 && taken >= limit)
      throw apiError('TooManyRequests', 'Too many requests, please try again later.', { retryAfterSeconds: 1 });
    if (read) this.#reads++;
    else this.#writes++;
    return () => {
      if (read) this.#reads--;
      else this.#writes--;
    };
  }
}

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
  #readsElsewhere = 0;
  #writesElsewhere = 0;

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
    if (limit > 0 && taken >= limit) throw tooMany();
    if (read) this.#reads++;
    else this.#writes++;
    return () => {
      if (read) this.#reads--;
      else this.#writes--;
    };
  }

  /**
   * The same, beside the place that the request has, for one that another server answers: they have half of all places. How long
   * they take is not for this server to say, and that one may have to ask here who may do what before it answers.
   */
  enterElsewhere(verb: string): () => void {
    const read = readVerbs.has(verb);
    const { reads, writes } = this.#limits;
    const [taken, limit] = read ? [this.#readsElsewhere, reads] : [this.#writesElsewhere, writes];
    if (limit > 0 && taken >= Math.ceil(limit / 2)) throw tooMany();
    if (read) this.#readsElsewhere++;
    else this.#writesElsewhere++;
    return () => {
      if (read) this.#readsElsewhere--;
      else this.#writesElsewhere--;
    };
  }
}

function tooMany(): Error {
  return apiError('TooManyRequests', 'Too many requests, please try again later.', { retryAfterSeconds: 1 });
}

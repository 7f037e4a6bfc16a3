// Which watchers get which of several events, such that those who get the same ones share one array: what is made of it, a
// message, is then made once.
import type { StoreEvent } from '../mvcc/store.ts';
import type { Watcher } from './hub.ts';

/** Events as a list from the last to the first. */
class Batch {
  readonly #event: StoreEvent;
  readonly #before: Batch | undefined;
  readonly #size: number;
  #longer: Batch | undefined;
  #events: StoreEvent[] | undefined;

  constructor(event: StoreEvent, before: Batch | undefined) {
    this.#event = event;
    this.#before = before;
    this.#size = (before === undefined ? 0 : before.#size) + 1;
  }

  /** With one more event: the same list for all who ask before another event is asked for. */
  with(event: StoreEvent): Batch {
    const known = this.#longer;
    if (known !== undefined && known.#event === event) return known;
    this.#longer = new Batch(event, this);
    return this.#longer;
  }

  /** First to last. */
  get events(): readonly StoreEvent[] {
    if (this.#events !== undefined) return this.#events;
    const events: StoreEvent[] = [];
    for (let batch: Batch | undefined = this; batch !== undefined; batch = batch.#before) events.push(batch.#event);
    this.#events = events.reverse();
    return this.#events;
  }
}

export class Batches {
  readonly #batches = new Map<Watcher, Batch>();

  /** These watchers get the event, after those that they get already: `each` calls `add` for them. */
  event(event: StoreEvent, each: (add: (watcher: Watcher) => void) => void): void {
    const alone = new Batch(event, undefined);
    each((watcher) => this.#batches.set(watcher, this.#batches.get(watcher)?.with(event) ?? alone));
  }

  of(watcher: Watcher): readonly StoreEvent[] | undefined {
    return this.#batches.get(watcher)?.events;
  }

  *all(): Iterable<[Watcher, readonly StoreEvent[]]> {
    for (const [watcher, batch] of this.#batches) yield [watcher, batch.events];
  }
}

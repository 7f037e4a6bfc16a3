// The recent changes of one resource type: what watchers read, each at its own place, and what one that comes back resumes
// from (k8s.io/apiserver/pkg/storage/cacher, watchCache).
import { watchHistoryFreshMs, watchHistoryMaxBytes, watchHistoryMaxEvents, watchHistoryMinEvents } from '../limits.ts';
import type { CacheEvent } from './entry.ts';

/** Events in the order of their revisions, numbered without gaps. Old ones are dropped by count, size and age. */
export class EventLog {
  /** `#events[i]` is number `#first + i`; those before `#start` are dropped already. */
  #events: (CacheEvent | undefined)[] = [];
  #first = 0;
  #start = 0;
  #bytes = 0;
  /** Changes up to this revision are no longer here. */
  #startRevision = 0;

  /** The revision after which every change is here. */
  get startRevision(): number {
    return this.#startRevision;
  }

  /** The number that the next event gets. */
  get next(): number {
    return this.#first + this.#events.length;
  }

  get size(): number {
    return this.#events.length - this.#start;
  }

  /** Of the values of all events. */
  get bytes(): number {
    return this.#bytes;
  }

  /** The event of that number; undefined where it is dropped, or not there yet. */
  at(number: number): CacheEvent | undefined {
    return this.#events[number - this.#first];
  }

  /** The number of the first event after `revision`, which must not be before `startRevision`. */
  after(revision: number): number {
    let low = this.#start;
    let high = this.#events.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#events[middle]?.revision ?? 0) <= revision) low = middle + 1;
      else high = middle;
    }
    return this.#first + low;
  }

  append(event: CacheEvent): void {
    this.#events.push(event);
    this.#bytes += event.bytes;
    while (this.#mustDrop(event.atMs)) this.#drop();
    if (this.#start > 1024 && this.#start * 2 > this.#events.length) {
      this.#events.splice(0, this.#start);
      this.#first += this.#start;
      this.#start = 0;
    }
  }

  /** Forgets everything: the cache now stands at `revision`. Numbers go on. */
  reset(revision: number): void {
    this.#first = this.next;
    this.#events = [];
    this.#start = 0;
    this.#bytes = 0;
    this.#startRevision = revision;
  }

  #mustDrop(nowMs: number): boolean {
    const { size } = this;
    if (size > watchHistoryMaxEvents || (this.#bytes > watchHistoryMaxBytes && size > 1)) return true;
    const oldest = this.#events[this.#start];
    return size > watchHistoryMinEvents && oldest !== undefined && nowMs - oldest.atMs > watchHistoryFreshMs;
  }

  #drop(): void {
    const event = this.#events[this.#start];
    this.#events[this.#start] = undefined;
    this.#start++;
    this.#bytes -= event?.bytes ?? 0;
    this.#startRevision = event?.revision ?? this.#startRevision;
  }
}

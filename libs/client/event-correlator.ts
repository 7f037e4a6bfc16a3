// Which events are written, and how (client-go's EventCorrelator): repeats are counted, floods of similar ones are folded
// into one, and a source that talks too much about one object is cut off.
import type { CoreEvent, ObjectReference } from '@drydock/api/generated/types.ts';
import {
  eventAggregationCount,
  eventAggregationWindowMs,
  eventCacheEntriesMax,
  eventSpamBurst,
  eventSpamPerSecond,
} from './limits.ts';

export interface EventInput {
  readonly about: ObjectReference;
  readonly type: string;
  readonly reason: string;
  readonly message: string;
}

export type EventDecision =
  | { readonly kind: 'create'; readonly key: string; readonly message: string }
  | { readonly kind: 'patch'; readonly key: string; readonly message: string; readonly name: string; readonly count: number }
  | { readonly kind: 'drop' };

interface Written {
  readonly name: string;
  count: number;
}

interface Group {
  readonly messages: Set<string>;
  lastAtMs: number;
}

/** Remembers what was written. `nowMs` is monotonic. */
export class EventCorrelator {
  readonly #written = new Lru<Written>();
  readonly #groups = new Lru<Group>();
  readonly #buckets = new Lru<{ tokens: number; atMs: number }>();

  decide(event: EventInput, nowMs: number): EventDecision {
    const { about, type, reason } = event;
    const object = [about.kind, about.namespace, about.name, about.uid, about.apiVersion];
    if (!this.#admit(JSON.stringify(object), nowMs)) return { kind: 'drop' };
    const { message, key } = this.#fold(JSON.stringify([...object, type, reason]), event, nowMs);
    const written = this.#written.get(key);
    if (written === undefined) return { kind: 'create', key, message };
    written.count++;
    return { kind: 'patch', key, message, name: written.name, count: written.count };
  }

  /** The event of `decide` was created under this name. */
  created(key: string, event: CoreEvent): void {
    this.#written.set(key, { name: event.metadata.name ?? '', count: event.count ?? 1 });
  }

  /** The event is gone from the server (they expire): the next one is created anew. */
  forget(key: string): void {
    this.#written.delete(key);
  }

  #admit(object: string, nowMs: number): boolean {
    const bucket = this.#buckets.get(object) ?? { tokens: eventSpamBurst, atMs: nowMs };
    bucket.tokens = Math.min(eventSpamBurst, bucket.tokens + ((nowMs - bucket.atMs) / 1000) * eventSpamPerSecond);
    bucket.atMs = nowMs;
    this.#buckets.set(object, bucket);
    if (bucket.tokens < 1) return false;
    bucket.tokens--;
    return true;
  }

  #fold(group: string, event: EventInput, nowMs: number): { key: string; message: string } {
    const known = this.#groups.get(group);
    const fresh = known === undefined || nowMs - known.lastAtMs > eventAggregationWindowMs;
    const entry: Group = fresh ? { messages: new Set(), lastAtMs: nowMs } : known;
    entry.lastAtMs = nowMs;
    entry.messages.add(event.message);
    this.#groups.set(group, entry);
    if (entry.messages.size < eventAggregationCount) return { key: `${group}${event.message}`, message: event.message };
    // One message is forgotten again so that the set stays bounded and the group stays folded.
    for (const oldest of entry.messages) {
      entry.messages.delete(oldest);
      break;
    }
    return { key: group, message: `(combined from similar events): ${event.message}` };
  }
}

/** A map that forgets what was not used for longest. */
class Lru<V> {
  readonly #entries = new Map<string, V>();

  get(key: string): V | undefined {
    const value = this.#entries.get(key);
    if (value !== undefined) this.set(key, value);
    return value;
  }

  set(key: string, value: V): void {
    this.#entries.delete(key);
    this.#entries.set(key, value);
    if (this.#entries.size <= eventCacheEntriesMax) return;
    for (const oldest of this.#entries.keys()) {
      this.#entries.delete(oldest);
      break;
    }
  }

  delete(key: string): void {
    this.#entries.delete(key);
  }
}

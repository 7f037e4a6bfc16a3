// A controller must not decide on a cache that does not show its own writes yet: it would make the same pods twice.
import type { KubeObject, Resource } from '@drydock/api/resource.ts';
import { atLeast } from '@drydock/client/resource-version.ts';
import type { Clock } from '@drydock/foundation/clock.ts';
import type { Target } from './action.ts';
import { isBeingDeleted, uidOf } from './object-meta.ts';

/** The part of an informer that the barrier asks. */
export interface Seen {
  get(key: Target): KubeObject | undefined;
  /** The version up to which the cache has followed the apiserver; undefined before it has synced. */
  readonly resourceVersion: string | undefined;
  /** Resolves when `ready` says so; it is asked after every change. */
  when(ready: () => boolean): Promise<void>;
  /** Resolves when the cache shows everything that was committed before the call. */
  refresh(): Promise<void>;
}

interface Pending {
  shown(): boolean;
  /** Resolves when it is shown. */
  wait(): Promise<void>;
  readonly untilMs: number;
}

/** After this long the barrier gives way: a write may have been undone by others (upstream's ExpectationsTimeout). */
export const barrierTimeoutMs = 300_000;

/** How long a server may still be busy with a write that was given up here, as a rule, before the cache is asked about it. */
export const unknownSettleMs = 1_000;

/** Remembers, per work-queue key, what has been written and is not in the cache yet. */
export class WriteBarrier {
  readonly #pending = new Map<string, Pending[]>();
  readonly #seenOf: (resource: Resource) => Seen | undefined;
  readonly #clock: Clock;

  /** @param seenOf the cache of a resource, or undefined where the controller does not read it. */
  constructor(seenOf: (resource: Resource) => Seen | undefined, clock: Clock) {
    this.#seenOf = seenOf;
    this.#clock = clock;
  }

  /** `object` is what the apiserver answered to a create, update or patch. */
  wrote(key: string, resource: Resource, object: KubeObject): void {
    const seen = this.#seenOf(resource);
    const { resourceVersion: version, namespace, name = '' } = object.metadata ?? {};
    if (seen === undefined || version === undefined) return;
    const target = targetIn(resource, namespace, name);
    this.#add(key, seen, () => {
      return atLeast(seen.get(target)?.metadata?.resourceVersion, version) || atLeast(seen.resourceVersion, version);
    });
  }

  /** The object with this uid was asked to be deleted: it must be gone, or going, or another. */
  deleted(key: string, resource: Resource, { namespace, name }: Target, uid: string): void {
    const seen = this.#seenOf(resource);
    if (seen === undefined) return;
    const target = targetIn(resource, namespace, name);
    this.#add(key, seen, () => {
      const cached = seen.get(target);
      return cached === undefined || uidOf(cached) !== uid || isBeingDeleted(cached);
    });
  }

  /** A creation may or may not have happened: the cache must show everything up to now. */
  unknown(key: string, resource: Resource): void {
    const seen = this.#seenOf(resource);
    if (seen === undefined) return;
    let shown = false;
    const settled = this.#clock.sleep(unknownSettleMs).then(async () => {
      await seen.refresh();
      shown = true;
    });
    this.#push(key, { shown: () => shown, wait: () => settled, untilMs: Number.POSITIVE_INFINITY });
  }

  /** Whether the caches show everything written under `key`. */
  settled(key: string): boolean {
    const nowMs = this.#clock.monotonicMs();
    const left = (this.#pending.get(key) ?? []).filter((entry) => !entry.shown() && nowMs < entry.untilMs);
    if (left.length === 0) this.#pending.delete(key);
    else this.#pending.set(key, left);
    return left.length === 0;
  }

  /** Resolves when the caches show everything that was written under `key` until now, or not in time. */
  async whenSettled(key: string): Promise<void> {
    for (const entry of [...(this.#pending.get(key) ?? [])]) {
      if (entry.shown()) continue;
      const over = new AbortController();
      const late = this.#clock.sleep(entry.untilMs - this.#clock.monotonicMs(), over.signal).catch(() => {});
      await Promise.race([entry.wait(), late]);
      over.abort();
    }
  }

  #add(key: string, seen: Seen, shown: () => boolean): void {
    this.#push(key, { shown, wait: () => seen.when(shown), untilMs: this.#clock.monotonicMs() + barrierTimeoutMs });
  }

  #push(key: string, entry: Pending): void {
    const list = this.#pending.get(key);
    if (list === undefined) this.#pending.set(key, [entry]);
    else list.push(entry);
  }
}

function targetIn(resource: Resource, namespace: string | undefined, name: string): Target {
  return { namespace: resource.namespaced ? namespace : undefined, name };
}

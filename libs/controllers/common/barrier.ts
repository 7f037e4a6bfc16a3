// A controller must not decide on a cache that does not show its own writes yet: it would make the same pods twice.
import type { KubeObject, Resource } from '@drydock/api/resource.ts';
import { atLeast } from '@drydock/client/resource-version.ts';
import type { Target } from './action.ts';
import { isBeingDeleted, uidOf } from './object-meta.ts';

/** The part of an informer that the barrier asks. */
export interface Seen {
  get(key: Target): KubeObject | undefined;
  /** The version up to which the cache has followed the apiserver; undefined before it has synced. */
  readonly resourceVersion: string | undefined;
}

interface Pending {
  readonly seen: Seen;
  readonly key: Target;
  readonly uid: string;
  /** What the cache must have reached; undefined where the object must be gone or going. */
  readonly version: string | undefined;
  readonly sinceMs: number;
}

/** After this long the barrier gives way: a write may have been undone by others (upstream's ExpectationsTimeout). */
export const barrierTimeoutMs = 300_000;

/** Remembers, per work-queue key, what has been written and is not in the cache yet. */
export class WriteBarrier {
  readonly #pending = new Map<string, Pending[]>();
  readonly #seenOf: (resource: Resource) => Seen | undefined;

  /** @param seenOf the cache of a resource, or undefined where the controller does not read it. */
  constructor(seenOf: (resource: Resource) => Seen | undefined) {
    this.#seenOf = seenOf;
  }

  /** `object` is what the apiserver answered to a create, update or patch. */
  wrote(key: string, resource: Resource, object: KubeObject, nowMs: number): void {
    const version = object.metadata?.resourceVersion;
    if (version !== undefined) this.#add(key, resource, object.metadata ?? {}, uidOf(object), version, nowMs);
  }

  /** The object with this uid was asked to be deleted. */
  deleted(key: string, resource: Resource, target: Target, uid: string, nowMs: number): void {
    this.#add(key, resource, target, uid, undefined, nowMs);
  }

  #add(
    key: string,
    resource: Resource,
    target: { namespace?: string | undefined; name?: string | undefined },
    uid: string,
    version: string | undefined,
    nowMs: number,
  ): void {
    const seen = this.#seenOf(resource);
    if (seen === undefined) return;
    const name = target.name ?? '';
    const list = this.#pending.get(key) ?? [];
    list.push({
      seen,
      key: { namespace: resource.namespaced ? target.namespace : undefined, name },
      uid,
      version,
      sinceMs: nowMs,
    });
    this.#pending.set(key, list);
  }

  /** Whether the caches show everything written under `key`. */
  settled(key: string, nowMs: number): boolean {
    const left = (this.#pending.get(key) ?? []).filter((entry) => !isShown(entry) && nowMs - entry.sinceMs < barrierTimeoutMs);
    if (left.length === 0) this.#pending.delete(key);
    else this.#pending.set(key, left);
    return left.length === 0;
  }
}

function isShown({ seen, key, uid, version }: Pending): boolean {
  const cached = seen.get(key);
  if (version === undefined) return cached === undefined || uidOf(cached) !== uid || isBeingDeleted(cached);
  return atLeast(cached?.metadata?.resourceVersion, version) || atLeast(seen.resourceVersion, version);
}

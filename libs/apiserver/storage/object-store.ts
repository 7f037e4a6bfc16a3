// Objects in the store: JSON in the storage version, the resourceVersion being the store's mod revision. Every write is a
// transaction that names what it expects to find.
import type { KubeObject } from '@drydock/api/resource.ts';
import { ApiError, apiError } from '@drydock/api/status.ts';
import type { Clock } from '@drydock/foundation/clock.ts';
import { conflictRetriesMax } from '../limits.ts';
import type { KeyValue } from './etcd-codec.ts';
import { LeasePool } from './lease-pool.ts';
import { type Store, StoreError } from './store.ts';

/** An object with the revision that a write must still find; 0 says that there is none. */
export interface Stored {
  readonly revision: number;
  readonly object: KubeObject;
  /** The value's bytes, where they are at hand: an update to the same bytes is not written. */
  readonly bytes?: Buffer | undefined;
}

/** What an update makes of what it found. */
export type Change =
  | { readonly put: KubeObject; readonly ttlSeconds?: number | undefined }
  /** Removes the key; `object` is what the caller gets. */
  | { readonly remove: true; readonly object: KubeObject }
  | { readonly keep: true };

export interface Outcome {
  readonly action: 'put' | 'unchanged' | 'removed';
  readonly object: KubeObject;
}

/** Reads `kv` into an object that carries its resourceVersion. Fails with an ApiError that names the key. */
export function decodeStored(kv: KeyValue): KubeObject {
  const object = parsed(kv);
  object.metadata = { ...object.metadata, resourceVersion: String(kv.modRevision) };
  return object;
}

function parsed(kv: KeyValue): KubeObject {
  let value: unknown;
  try {
    value = JSON.parse(kv.value.toString());
  } catch (cause) {
    throw undecodable(kv, `couldn't get version/kind; json parse error: ${(cause as Error).message}`, cause);
  }
  if (!isRecord(value)) throw undecodable(kv, "couldn't get version/kind; json parse error: the value is not an object");
  for (const field of ['kind', 'apiVersion'])
    if (typeof value[field] !== 'string' || value[field] === '') throw undecodable(kv, `Object '${field}' is missing`);
  const { metadata = {} } = value;
  if (!isRecord(metadata)) throw undecodable(kv, 'metadata: expected an object');
  for (const field of ['labels', 'annotations']) {
    if (metadata[field] !== undefined && !isRecord(metadata[field]))
      throw undecodable(kv, `metadata.${field}: expected an object`);
  }
  return value as KubeObject;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** As upstream, a Status without a reason. */
function undecodable(kv: KeyValue, why: string, cause?: unknown): ApiError {
  const message = `unable to decode the value of key ${JSON.stringify(kv.key)}: ${why}`;
  return new ApiError({ kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message, code: 500 }, { cause });
}

/** The bytes of an object: without resourceVersion, which the store itself keeps. */
export function encodeStored(object: KubeObject): Buffer {
  const { resourceVersion: _, ...metadata } = object.metadata ?? {};
  return Buffer.from(JSON.stringify({ ...object, metadata }));
}

export class ObjectStore {
  readonly #store: Store;
  readonly #leases: LeasePool;

  constructor(store: Store, clock: Clock) {
    this.#store = store;
    this.#leases = new LeasePool(store, clock);
  }

  /** The most recent state of `key`, linearizable. */
  async read(key: string): Promise<Stored | undefined> {
    const result = await guarded(() => this.#store.range({ key }));
    const kv = result.kvs[0];
    return kv === undefined ? undefined : { revision: kv.modRevision, object: decodeStored(kv), bytes: kv.value };
  }

  /** The store's present revision, linearizable. */
  async revision(): Promise<number> {
    const result = await guarded(() => this.#store.range({ key: '/registry/health', countOnly: true }));
    return result.revision;
  }

  /** Writes a new object, or undefined where the key is taken. */
  async create(key: string, object: KubeObject, ttlSeconds?: number): Promise<KubeObject | undefined> {
    const result = await this.#put(key, 0, encodeStored(object), ttlSeconds);
    return result.succeeded ? withVersion(object, result.revision) : undefined;
  }

  /**
   * Reads, lets `change` decide, and writes only if nothing came in between; otherwise again with what is there now. `hint` is
   * a possibly stale state (from a cache) to try first: where `change` fails on it or keeps it, the store is read and `change`
   * asked again.
   */
  async update(
    key: string,
    hint: Stored | undefined,
    change: (current: Stored | undefined) => Change | Promise<Change>,
  ): Promise<Outcome | undefined> {
    let current = hint ?? (await this.read(key));
    let stale = hint !== undefined;
    for (let attempt = 0; attempt < conflictRetriesMax; attempt++) {
      let decided: Change;
      try {
        decided = await change(current);
      } catch (error) {
        if (!stale) throw error;
        current = await this.read(key);
        stale = false;
        continue;
      }
      if ('keep' in decided) {
        if (!stale) return current === undefined ? undefined : { action: 'unchanged', object: current.object };
        current = await this.read(key);
        stale = false;
        continue;
      }
      const outcome = await this.#apply(key, current, decided);
      if ('action' in outcome) {
        if (outcome.action !== 'unchanged' || !stale) return outcome;
        current = await this.read(key);
      } else {
        current = outcome.current;
      }
      stale = false;
    }
    throw apiError('Conflict', 'the object has been modified; please apply your changes to the latest version and try again');
  }

  /** As `update`; a dry one decides on the state in the store and writes nothing. */
  async apply(
    key: string,
    hint: Stored | undefined,
    change: (current: Stored | undefined) => Change | Promise<Change>,
    dry: boolean,
  ): Promise<Outcome | undefined> {
    return dry ? dryRun(await this.read(key), async (current) => change(current)) : this.update(key, hint, change);
  }

  async #apply(
    key: string,
    current: Stored | undefined,
    decided: Exclude<Change, { keep: true }>,
  ): Promise<Outcome | { readonly current: Stored | undefined }> {
    const revision = current?.revision ?? 0;
    if ('remove' in decided) {
      const result = await guarded(() =>
        this.#store.txn({
          guards: [{ key, target: 'mod', equals: revision }],
          writes: [{ op: 'delete', key }],
          otherwise: key,
        }),
      );
      if (result.succeeded) return { action: 'removed', object: withVersion(decided.object, result.revision) };
      return { current: storedOf(result.current) };
    }
    const bytes = encodeStored(decided.put);
    if (current !== undefined && bytes.equals(current.bytes ?? encodeStored(current.object))) {
      return { action: 'unchanged', object: current.object };
    }
    const result = await this.#put(key, revision, bytes, decided.ttlSeconds);
    if (result.succeeded) return { action: 'put', object: withVersion(decided.put, result.revision) };
    return { current: storedOf(result.current) };
  }

  async #put(key: string, revision: number, value: Buffer, ttlSeconds: number | undefined) {
    const guards = [{ key, target: 'mod', equals: revision }] as const;
    const put = { op: 'put', key, value } as const;
    if (ttlSeconds === undefined) return guarded(() => this.#store.txn({ guards, writes: [put], otherwise: key }));
    return guarded(() =>
      this.#leased(ttlSeconds, (lease) => this.#store.txn({ guards, writes: [{ ...put, lease }], otherwise: key })),
    );
  }

  /** Writes with a lease, once more with a new one where the store does not know it. */
  async #leased<T>(ttlSeconds: number, write: (lease: string) => Promise<T>): Promise<T> {
    const lease = await this.#leases.lease(ttlSeconds);
    try {
      return await write(lease);
    } catch (error) {
      if (!(error instanceof StoreError) || error.code !== 'lease-not-found') throw error;
      await this.#leases.forget(ttlSeconds, lease);
      return write(await this.#leases.lease(ttlSeconds));
    }
  }
}

function storedOf(kv: KeyValue | undefined): Stored | undefined {
  return kv === undefined ? undefined : { revision: kv.modRevision, object: decodeStored(kv), bytes: kv.value };
}

function withVersion(object: KubeObject, revision: number): KubeObject {
  return { ...object, metadata: { ...object.metadata, resourceVersion: String(revision) } };
}

/** Runs a store request; its failures become the API's. */
export async function guarded<T>(request: () => Promise<T>): Promise<T> {
  try {
    return await request();
  } catch (error) {
    if (!(error instanceof StoreError)) throw error;
    throw apiErrorOf(error);
  }
}

function apiErrorOf(error: StoreError): ApiError {
  switch (error.code) {
    case 'compacted':
      return apiError(
        'Expired',
        'The provided continue parameter is too old to display a consistent list result. You must start a new list without the continue parameter.',
      );
    case 'future-revision':
      return apiError('Timeout', `Too large resource version: ${error.message}`, { retryAfterSeconds: 1 });
    default:
      return new ApiError(apiError('InternalError', error.message).status, { cause: error });
  }
}

/** Decides as an update would, and writes nothing. */
export async function dryRun(
  current: Stored | undefined,
  change: (current: Stored | undefined) => Promise<Change>,
): Promise<Outcome | undefined> {
  const decided = await change(current);
  if ('keep' in decided) return current === undefined ? undefined : { action: 'unchanged', object: current.object };
  if ('remove' in decided) return { action: 'removed', object: decided.object };
  return { action: 'put', object: decided.put };
}

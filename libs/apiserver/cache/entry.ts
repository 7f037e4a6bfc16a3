// What a watch cache holds and tells.
import type { KubeObject } from '@drydock/api/resource.ts';

/** One object as the store has it. It is shared: never change it. */
export interface CacheEntry {
  readonly key: string;
  /** The revision at which the store last changed the key. */
  readonly revision: number;
  readonly object: KubeObject;
  /** Of the value in the store. */
  readonly bytes: number;
}

/** A change of one key; `entry` of DELETED is the last state, carrying the revision of the deletion. */
export interface CacheEvent {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly revision: number;
  readonly entry: CacheEntry;
  readonly previous: CacheEntry | undefined;
  /** Of the value in the store; of DELETED, of the last one. */
  readonly bytes: number;
  readonly atMs: number;
}

/** A key whose value cannot be decoded, and its last state that could. */
export interface BrokenEntry {
  readonly key: string;
  readonly revision: number;
  readonly error: Error;
  readonly last: CacheEntry | undefined;
}

/** A copy of `object` with another resourceVersion. */
export function withRevision(object: KubeObject, revision: number): KubeObject {
  return { ...object, metadata: { ...object.metadata, resourceVersion: String(revision) } };
}

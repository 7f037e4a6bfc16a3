// All that was seen from outside during one run of a store: what checkers are given.
import type { KeyValue, Micros, Operation } from './operation.ts';
import type { Watch } from './watch.ts';

/** The state in which the run begins, all of it: no key beside these, no compaction beyond `compactRevision`. */
export interface Base {
  readonly revision: number;
  readonly compactRevision: number;
  readonly kvs: readonly KeyValue[];
  /** Leases that exist already, with the time they were granted for. */
  readonly leases: readonly { readonly lease: string; readonly ttlSeconds: number }[];
  /** Whether the store compacts by itself, unasked. */
  readonly compactsItself?: boolean;
}

/** A store that has only been started: revision 1, nothing in it. */
export const emptyBase: Base = { revision: 1, compactRevision: 0, kvs: [], leases: [] };

/** HashKV's answer of one member. */
export interface MemberHash {
  readonly member: string;
  readonly time: Micros;
  /** Of the header: the revision the hash goes up to. */
  readonly revision: number;
  readonly compactRevision: number;
  readonly hash: number;
}

/** Who leads, in the words of one member. */
export interface LeaderObservation {
  readonly member: string;
  readonly time: Micros;
  readonly term: number;
  /** Undefined where it knows of none. */
  readonly leader: string | undefined;
}

/**
 * What one client, who alone disarms, knows of the NOSPACE alarm. `full`: at some time from `invoke` to `time` it was there, or was
 * not. `disarm`: it was taken back between the two, or where that is not certain perhaps later.
 */
export type SpaceReport =
  | { readonly kind: 'full'; readonly invoke: Micros; readonly time: Micros; readonly full: boolean }
  | { readonly kind: 'disarm'; readonly invoke: Micros; readonly time: Micros; readonly certain: boolean };

/** Something done to the store from outside, for the reader of a violation. No checker looks at it. */
export interface FaultRecord {
  readonly time: Micros;
  readonly text: string;
}

export interface History {
  readonly base: Base;
  readonly operations: readonly Operation[];
  readonly watches: readonly Watch[];
  readonly hashes: readonly MemberHash[];
  readonly leaders: readonly LeaderObservation[];
  readonly faults: readonly FaultRecord[];
  readonly space: readonly SpaceReport[];
}

export const emptyHistory: History = {
  base: emptyBase,
  operations: [],
  watches: [],
  hashes: [],
  leaders: [],
  faults: [],
  space: [],
};

// What the log of a stopped etcd says, put together: who the member is, where its log begins, what is in it.
import type { HardState } from 'raft-ts/types.ts';
import { decode } from '../rpc/protobuf.ts';
import { ImportError } from './errors.ts';
import { type EtcdSegment, readEtcdWal, WalEntry, WalHardState, WalMetadata, WalSnapshot } from './etcd-wal.ts';
import { type Translated, translateEntry } from './translate-entry.ts';

export interface EtcdLog {
  readonly id: bigint;
  readonly clusterId: bigint;
  readonly hardState: HardState;
  /** Places of which a snapshot file may exist. */
  readonly snapshots: readonly { readonly index: number; readonly term: number }[];
  /** Without gaps; the first one may lie before what is needed. */
  readonly entries: readonly Translated[];
}

/** Throws ImportError. */
export function readEtcdLog(segments: readonly EtcdSegment[]): EtcdLog {
  let owner: { NodeID: bigint; ClusterID: bigint } | undefined;
  let hardState: HardState = { term: 0, vote: 0n, commit: 0 };
  const snapshots: { index: number; term: number }[] = [];
  let entries: Translated[] = [];
  for (const { kind, data } of readEtcdWal(segments)) {
    if (kind === 'metadata') owner = decode(WalMetadata, data);
    else if (kind === 'state') hardState = decode(WalHardState, data);
    else if (kind === 'snapshot') snapshots.push(decode(WalSnapshot, data));
    else entries = withEntry(entries, translateEntry(decode(WalEntry, data)));
  }
  if (owner === undefined) throw new ImportError('the log does not say whose it is');
  return { id: owner.NodeID, clusterId: owner.ClusterID, hardState, snapshots, entries };
}

/** An entry takes the place of what was there from its index on. Behind a gap only it counts: a snapshot came from the leader. */
function withEntry(entries: Translated[], added: Translated): Translated[] {
  const first = entries[0]?.entry.index ?? added.entry.index;
  const place = added.entry.index - first;
  if (place < 0 || place > entries.length) return [added];
  entries.length = place;
  entries.push(added);
  return entries;
}

// Plays operations on both sides at once and stops at the first difference.
import { CompactionRequest, DeleteRangeRequest, LeaseLeasesResponse, LeaseRevokeRequest } from '@drydock/etcd/rpc/messages.ts';
import { decode, encode } from '@drydock/etcd/rpc/protobuf.ts';
import { revisionOf } from './fields.ts';
import type { Operation } from './operation.ts';
import type { Side } from './side.ts';

export interface Pair {
  readonly theirs: Side;
  readonly ours: Side;
}

export interface Difference {
  /** Of the operation in its sequence. */
  readonly at: number;
  readonly operation: Operation;
  readonly theirs: string;
  readonly ours: string;
}

/** One operation; undefined where both answer alike, and the revision of the answer. */
export async function playOne(pair: Pair, operation: Operation, at: number) {
  // What a watcher that is behind gets at a compaction, or before it is cancelled, is chance.
  const first: Operation | undefined = isCompaction(operation) ? { kind: 'compareWatchers' } : undefined;
  for (const step of first === undefined ? [operation] : [first, operation]) {
    const [theirs, ours] = await Promise.all([pair.theirs.play(step), pair.ours.play(step)]);
    if (theirs !== ours) return { difference: { at, operation, theirs, ours }, revision: undefined };
    const revision = /^revision (\d+)/.exec(theirs)?.[1];
    if (step === operation) return { difference: undefined, revision: revision === undefined ? undefined : Number(revision) };
  }
  return { difference: undefined, revision: undefined };
}

/** All of them, on stores that were emptied; the first difference. */
export async function play(pair: Pair, operations: readonly Operation[]): Promise<Difference | undefined> {
  for (const [at, operation] of [...operations, { kind: 'compareWatchers' } as const].entries()) {
    const { difference } = await playOne(pair, operation, at);
    if (difference !== undefined) return difference;
  }
  return undefined;
}

/** Ends streams, leases and keys; history stays. */
export async function empty(side: Side): Promise<number> {
  side.closeStreams();
  const { leases } = decode(LeaseLeasesResponse, await side.call('leaseLeases', Buffer.alloc(0)));
  for (const { ID } of leases) await side.call('leaseRevoke', encode(LeaseRevokeRequest, { ID }));
  const all = encode(DeleteRangeRequest, { key: '\0', range_end: '\0' });
  const revision = revisionOf(await side.call('deleteRange', all)) ?? 0;
  await side.call('compact', encode(CompactionRequest, { revision, physical: true })).catch(() => {});
  return revision;
}

function isCompaction(operation: Operation): boolean {
  return operation.kind === 'unary' && operation.method === 'compact';
}

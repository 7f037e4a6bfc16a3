// The order of the records of one call, so that a batch that a crash tears says nothing that is not so. What is left of it is always
// its beginning. Therefore:
//
// - Term and vote come first: whoever finds an entry also finds in which term the member was when it took it.
// - A commit index comes behind the entries that it speaks of: before them it would be said of those that they replace.
// - It comes before all later ones, and behind each committed change of membership there is one of its own: whoever finds an entry
//   behind a change knows that the change is committed, and does not stand in the configuration before it (chapter 4; etcd writes
//   all entries first, and has that gap).
import type { Entry, HardState, SnapshotMeta } from 'raft-ts/types.ts';
import type { WalRecord } from './record.ts';

/** What `Wal.save` writes. */
export function recordsOf(hardState: HardState | undefined, entries: readonly Entry[]): readonly WalRecord[] {
  const written: WalRecord[] = entries.map((entry) => ({ kind: 'entry', entry }));
  if (hardState === undefined) return written;
  const first = entries[0];
  const head = commitUpTo(hardState, first === undefined ? hardState.commit : first.index - 1);
  const last = entries.at(-1);
  if (last === undefined || head.hardState.commit === hardState.commit) return [head, ...written];
  const records: WalRecord[] = [head];
  for (const entry of entries) {
    records.push({ kind: 'entry', entry });
    const ends = entry.index === hardState.commit || (entry.index < hardState.commit && entry.type === 'configChange');
    if (ends) records.push(commitUpTo(hardState, entry.index));
  }
  return records;
}

/**
 * What `Wal.saveSnapshot` writes. The mark says that everything up to it is committed. Said before the mark, the commit index would be
 * said of entries that an installed snapshot is about to void.
 */
export function recordsOfMark(
  meta: SnapshotMeta,
  installed: boolean,
  hardState: HardState | undefined,
  committedBefore: number,
): readonly WalRecord[] {
  const mark: WalRecord = { kind: 'snapshot', mark: { meta, installed } };
  return hardState === undefined ? [mark] : [commitUpTo(hardState, committedBefore), mark];
}

function commitUpTo(hardState: HardState, index: number): Extract<WalRecord, { kind: 'hardState' }> {
  return { kind: 'hardState', hardState: { ...hardState, commit: Math.min(hardState.commit, index) } };
}

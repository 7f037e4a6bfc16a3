// Snapshots to members whose entries are gone from the leader's log (chapter 5, InstallSnapshot of figure 5.3). Raft carries
// only the place of a snapshot in the log; the driver moves its content and reports the outcome.
import type { Core } from './core.ts';
import type { Progress } from './progress.ts';
import { membersOf } from './quorum.ts';
import type { MemberId, Message, Snapshot } from './types.ts';

/** False where there is none to send now, or nobody to take it: it is tried again later. */
export function sendSnapshot(core: Core, id: MemberId, progress: Progress): boolean {
  if (!progress.recentActive) return false;
  const snapshot = core.log.snapshot();
  if (snapshot === undefined) {
    core.trace('snapshotUnavailable', { to: id.toString(16) });
    return false;
  }
  core.trace('sendSnapshot', { to: id.toString(16), index: snapshot.meta.index, match: progress.match });
  core.send({ type: 'snapshotRequest', to: id, snapshot });
  progress.becomeSnapshot(snapshot.meta.index);
  return false;
}

/** A follower was sent a snapshot: takes it if it is news, and says how far it is now. */
export function handleSnapshot(core: Core, message: Extract<Message, { type: 'snapshotRequest' }>): void {
  const restored = restore(core, message.snapshot);
  const { index, term } = message.snapshot.meta;
  core.trace(restored ? 'restoreSnapshot' : 'ignoreSnapshot', { index, term });
  const known = restored ? core.log.lastIndex : core.log.committed;
  core.send({ type: 'appendResponse', to: message.from, index: known, reject: false, hintIndex: 0, hintTerm: 0 });
}

function restore(core: Core, snapshot: Snapshot): boolean {
  const { index, term, conf } = snapshot.meta;
  if (index <= core.log.committed) return false;
  if (!membersOf(conf).includes(core.id)) {
    core.trace('snapshotWithoutThisMember', { index });
    return false;
  }
  if (core.log.matches(index, term)) {
    // The entries are all here; only the news that they are committed was missing.
    core.log.commitTo(index);
    return false;
  }
  // Its configuration counts from when it is installed on (`advance`): until then an older entry may still be applied to the old one.
  core.log.restore(snapshot);
  return true;
}

/** The driver tells the leader how sending went. */
export function reportSnapshot(core: Core, id: MemberId, outcome: 'finished' | 'failed'): void {
  const progress = core.progress.get(id);
  if (core.role !== 'leader' || progress?.state !== 'snapshot') return;
  if (outcome === 'failed') progress.snapshotFailed();
  progress.becomeProbe();
  // Finished: its answer says more. Failed: not again before it has shown a sign of life.
  progress.pause();
}

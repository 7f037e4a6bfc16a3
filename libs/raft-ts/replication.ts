// Log replication (section 3.5) with pipelining (10.2.2), and commitment (3.6.2).
import type { Core } from './core.ts';
import { bytesOf } from './log.ts';
import type { Progress } from './progress.ts';
import { quorumIndex } from './quorum.ts';
import { confirmReadsOfTerm } from './read-index.ts';
import { sendSnapshot } from './snapshot.ts';
import { sendTimeoutNow } from './transfer.ts';
import type { Entry, MemberId, Message } from './types.ts';

type Append = Extract<Message, { type: 'appendRequest' }>;
type AppendResponse = Extract<Message, { type: 'appendResponse' }>;

/** Sends what is due to everyone; called once per Ready, so that all proposals of a turn share one message. */
export function flushAppends(core: Core): void {
  if (!core.appendsDue || core.role !== 'leader') return;
  core.appendsDue = false;
  for (const [id, progress] of core.progress) {
    if (id !== core.id) sendAppends(core, id, progress);
  }
}

/** As many appends as the window allows; an empty one only where the member does not know the commit index yet. */
function sendAppends(core: Core, id: MemberId, progress: Progress): void {
  const knowsCommit = progress.sentCommit >= Math.min(core.log.committed, progress.next - 1);
  let more = sendAppend(core, id, progress, !knowsCommit);
  while (more) more = sendAppend(core, id, progress, false);
}

/** One append, or a snapshot where the entries are gone. False where nothing was sent. */
export function sendAppend(core: Core, id: MemberId, progress: Progress, evenIfEmpty: boolean): boolean {
  if (progress.paused) return false;
  const prevIndex = progress.next - 1;
  const prevTerm = core.log.term(prevIndex);
  if (typeof prevTerm !== 'number') return sendSnapshot(core, id, progress);
  const blocked = progress.state === 'replicate' && progress.windowFull;
  const to = blocked ? progress.next : core.log.lastIndex + 1;
  const entries = core.log.slice(progress.next, to, core.config.maxMessageBytes);
  if (entries === 'compacted') return sendSnapshot(core, id, progress);
  if (entries.length === 0 && !evenIfEmpty) return false;
  const commit = core.log.committed;
  core.send({ type: 'appendRequest', to: id, prevIndex, prevTerm, entries, commit });
  progress.sent(entries.length, Math.min(commit, prevIndex + entries.length));
  return true;
}

/** A follower takes entries, or says where to look for a common point. */
export function handleAppend(core: Core, message: Append): void {
  const to = message.from;
  const accept = { type: 'appendResponse', to, reject: false, hintIndex: 0, hintTerm: 0 } as const;
  if (message.prevIndex < core.log.committed) {
    // Committed entries match by the Log Matching Property: the leader may go on from there.
    core.send({ ...accept, index: core.log.committed });
    return;
  }
  const last = core.log.tryAppend(message.prevIndex, message.prevTerm, message.entries);
  if (last !== undefined) {
    core.log.commitTo(Math.min(message.commit, last));
    core.send({ ...accept, index: last });
    return;
  }
  const hint = core.log.lastIndexNotAbove(message.prevIndex, message.prevTerm);
  core.trace('rejectAppend', { prevIndex: message.prevIndex, prevTerm: message.prevTerm, hint: hint.index });
  core.send({ type: 'appendResponse', to, index: message.prevIndex, reject: true, hintIndex: hint.index, hintTerm: hint.term });
}

/** The leader learns how far a member is. */
export function handleAppendResponse(core: Core, message: AppendResponse, progress: Progress): void {
  progress.recentActive = true;
  if (message.reject) {
    // The term says more than the index: nothing above the last own entry of at most that term can match.
    const hint =
      message.hintTerm > 0 ? core.log.lastIndexNotAbove(message.hintIndex, message.hintTerm).index : message.hintIndex;
    if (progress.reject(message.index, hint)) {
      if (progress.state === 'replicate') progress.becomeProbe();
      sendAppend(core, message.from, progress, true);
    }
    return;
  }
  if (message.index > core.log.lastIndex) {
    core.trace('appendResponseBeyondLog', { index: message.index });
    return;
  }
  const news = progress.acknowledge(message.index);
  if (!news && !(progress.state === 'probe' && progress.match === message.index)) return;
  if (progress.state === 'probe') {
    progress.becomeReplicate();
  } else if (progress.state === 'snapshot') {
    // Whether by the snapshot or by entries: it can go on from this leader's log.
    if (progress.match + 1 >= core.log.firstIndex) {
      progress.becomeProbe();
      progress.becomeReplicate();
    }
  } else {
    progress.freeUpTo(message.index);
  }
  if (news) advanceCommit(core);
  core.appendsDue = true;
  if (core.transferee === message.from && progress.match === core.log.lastIndex) sendTimeoutNow(core);
}

/** Commits what a quorum has, if it is of this term: older entries are committed only with it (section 3.6.2, figure 3.7). */
export function advanceCommit(core: Core): void {
  const index = quorumIndex(core.conf, (id) => core.progress.get(id)?.match ?? 0);
  if (index <= core.log.committed || !core.log.matches(index, core.term)) return;
  const first = !core.committedInTerm();
  core.log.commitTo(index);
  core.appendsDue = true;
  if (first) confirmReadsOfTerm(core);
}

/** The leader's own log became durable: its part of the quorum. */
export function acknowledgeOwn(core: Core, entry: Entry): void {
  if (core.role !== 'leader' || !core.log.matches(entry.index, entry.term)) return;
  const own = core.progress.get(core.id);
  if (own?.acknowledge(entry.index)) advanceCommit(core);
}

export function handleHeartbeat(core: Core, message: Extract<Message, { type: 'heartbeatRequest' }>): void {
  core.log.commitTo(message.commit);
  core.send({ type: 'heartbeatResponse', to: message.from, readSequence: message.readSequence });
}

/** The member lives: what it lacks is sent again, or asked about, if appends were lost. */
export function handleHeartbeatResponse(core: Core, from: MemberId, progress: Progress): void {
  progress.recentActive = true;
  progress.resume();
  if (progress.match < core.log.lastIndex || progress.state === 'probe') sendAppend(core, from, progress, true);
}

/** Bounds what a leader without a quorum can pile up. Empty payloads always pass. */
export function reserveUncommitted(core: Core, entries: readonly Pick<Entry, 'data'>[]): boolean {
  const bytes = bytesOf(entries);
  if (core.uncommittedBytes > 0 && bytes > 0 && core.uncommittedBytes + bytes > core.config.maxUncommittedBytes) return false;
  core.uncommittedBytes += bytes;
  return true;
}

export function releaseUncommitted(core: Core, entries: readonly Entry[]): void {
  core.uncommittedBytes = Math.max(0, core.uncommittedBytes - bytesOf(entries));
}

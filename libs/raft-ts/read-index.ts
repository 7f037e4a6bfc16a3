// Linearizable reads without a log entry (section 6.4): the leader notes its commit index, a quorum confirms by a round of
// heartbeats that it is still the leader, and the read is served once that index is applied. No clocks are trusted.
import type { Core, PendingRead } from './core.ts';
import { broadcastHeartbeat } from './leader.ts';
import { quorumIndex } from './quorum.ts';
import type { MemberId, Message } from './types.ts';

/** Reads that wait on a leader, at most; the oldest are dropped beyond, and asked again by their callers. */
export const pendingReadsMax = 4096;

/** This member's own request: answered here by a leader, handed on by a follower, lost where no leader is known. */
export function requestRead(core: Core, context: bigint): void {
  if (core.role === 'leader') {
    enqueueRead(core, core.id, context);
    return;
  }
  if (core.leader === 0n) {
    core.trace('readWithoutLeader');
    return;
  }
  core.send({ type: 'readIndexForward', to: core.leader, context });
}

export function enqueueRead(core: Core, from: MemberId, context: bigint): void {
  if (core.reads.length >= pendingReadsMax) {
    core.reads.shift();
    core.trace('readDropped');
  }
  core.reads.push({ from, context, index: 0, sequence: 0 });
  core.readsDue = true;
}

/** Starts one heartbeat round for all reads of a turn; called once per Ready. */
export function flushReads(core: Core): void {
  if (!core.readsDue || core.role !== 'leader') return;
  // A new leader does not know what is committed before an entry of its own term is (section 6.4, step 1).
  if (!core.committedInTerm()) return;
  core.readsDue = false;
  core.readSequence++;
  for (const read of core.reads) {
    if (read.sequence !== 0) continue;
    read.sequence = core.readSequence;
    read.index = core.log.committed;
  }
  broadcastHeartbeat(core);
  confirmReads(core);
}

/** The first commit of the term: reads that waited for it can be asked about now. */
export function confirmReadsOfTerm(core: Core): void {
  if (core.reads.length > 0) core.readsDue = true;
}

/** A member confirmed that it follows this leader as of a round. */
export function acknowledgeRead(core: Core, from: MemberId, sequence: number): void {
  const known = core.readAcks.get(from) ?? 0;
  if (sequence <= known || sequence > core.readSequence) return;
  core.readAcks.set(from, sequence);
  confirmReads(core);
}

function confirmReads(core: Core): void {
  const confirmed = quorumIndex(core.conf, (id) => (id === core.id ? core.readSequence : (core.readAcks.get(id) ?? 0)));
  const waiting: PendingRead[] = [];
  for (const read of core.reads) {
    if (read.sequence === 0 || read.sequence > confirmed) waiting.push(read);
    else answer(core, read);
  }
  core.reads = waiting;
}

function answer(core: Core, read: PendingRead): void {
  if (read.from === core.id) core.readStates.push({ context: read.context, index: read.index });
  else core.send({ type: 'readIndexResponse', to: read.from, context: read.context, index: read.index });
}

export function handleReadIndexResponse(core: Core, message: Extract<Message, { type: 'readIndexResponse' }>): void {
  core.readStates.push({ context: message.context, index: message.index });
}

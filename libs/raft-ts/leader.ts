// Being leader: taking office (section 3.6.2), the heartbeat (3.4), and stepping down without a quorum (6.2, "CheckQuorum").
import { assert } from '@drydock/foundation/assert.ts';
import type { Core } from './core.ts';
import { voteResult } from './quorum.ts';

/** A candidate has a quorum of votes. It appends an empty entry, because only entries of its own term commit the older ones. */
export function becomeLeader(core: Core): void {
  assert(core.role === 'candidate', `a ${core.role} cannot become leader`);
  core.reset(core.term);
  core.role = 'leader';
  core.leader = core.id;
  syncProgress(core);
  // Nobody has answered this leader yet: without a quorum it steps down after one election timeout, not two (section 6.2).
  for (const [id, progress] of core.progress) progress.recentActive = id === core.id;
  // Some change of membership may be waiting in the log: no other one before all of it is applied (section 4.1).
  core.pendingConfIndex = core.log.lastIndex;
  core.trace('becomeLeader', { term: core.term });
  core.appendOwn([{ type: 'normal', data: new Uint8Array(0) }]);
}

/** Gives every member of the configuration a progress, and forgets those who left. */
export function syncProgress(core: Core): void {
  const members = new Set([...core.others(), core.id]);
  for (const id of core.progress.keys()) if (!members.has(id)) core.progress.delete(id);
  for (const id of members) {
    if (core.progress.has(id)) continue;
    const own = id === core.id;
    const progress = own
      ? core.newProgress(core.log.stableIndex, core.log.lastIndex + 1)
      : core.newProgress(0, core.log.lastIndex + 1);
    // A newcomer counts as alive until the next check, or adding it could depose its leader.
    progress.recentActive = true;
    core.progress.set(id, progress);
  }
}

export function tickLeader(core: Core): void {
  core.heartbeatElapsed++;
  core.electionElapsed++;
  if (core.electionElapsed >= core.config.electionTicks) {
    core.electionElapsed = 0;
    if (core.config.checkQuorum && !quorumActive(core)) {
      core.trace('stepDownWithoutQuorum', { term: core.term });
      core.becomeFollower(core.term, 0n);
      return;
    }
    if (core.transferee !== 0n) {
      core.trace('transferTimedOut', { to: core.transferee.toString(16) });
      core.transferee = 0n;
    }
  }
  if (core.heartbeatElapsed >= core.config.heartbeatTicks) {
    core.heartbeatElapsed = 0;
    broadcastHeartbeat(core);
  }
}

/** Whether a quorum answered since the last check; starts the next period. */
function quorumActive(core: Core): boolean {
  const active = new Map([...core.progress].map(([id, progress]) => [id, id === core.id || progress.recentActive]));
  for (const [id, progress] of core.progress) if (id !== core.id) progress.recentActive = false;
  return voteResult(core.conf, active) === 'won';
}

/** Also carries the newest read round (section 6.4). */
export function broadcastHeartbeat(core: Core): void {
  for (const [id, progress] of core.progress) {
    if (id === core.id) continue;
    // Never beyond what the member is known to have: it could not commit entries that it lacks.
    const commit = Math.min(progress.match, core.log.committed);
    core.send({ type: 'heartbeatRequest', to: id, commit, readSequence: core.reads.length > 0 ? core.readSequence : 0 });
  }
}

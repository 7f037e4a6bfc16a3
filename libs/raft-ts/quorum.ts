// Quorums: what a majority has, in one configuration or in both of a joint one (sections 3.6.2 and 4.3).
import type { ConfState, LogIndex, MemberId } from './types.ts';

export type VoteResult = 'won' | 'lost' | 'pending';

/** The highest index that a majority of `voters` has reached; Infinity without voters, so that a joint quorum ignores them. */
function majorityIndex(voters: readonly MemberId[], indexOf: (id: MemberId) => number): number {
  if (voters.length === 0) return Number.POSITIVE_INFINITY;
  const indexes = voters.map(indexOf).sort((a, b) => b - a);
  return indexes[Math.floor(voters.length / 2)] ?? 0;
}

function majorityVote(voters: readonly MemberId[], votes: ReadonlyMap<MemberId, boolean>): VoteResult {
  if (voters.length === 0) return 'won';
  const quorum = Math.floor(voters.length / 2) + 1;
  let yes = 0;
  let missing = 0;
  for (const id of voters) {
    const vote = votes.get(id);
    if (vote === undefined) missing++;
    else if (vote) yes++;
  }
  if (yes >= quorum) return 'won';
  return yes + missing >= quorum ? 'pending' : 'lost';
}

/** The highest value that a quorum has reached: a commit index (section 3.5), or the newest confirmed read (section 6.4). */
export function quorumIndex(conf: ConfState, indexOf: (id: MemberId) => number): LogIndex {
  const index = Math.min(majorityIndex(conf.voters, indexOf), majorityIndex(conf.votersOutgoing, indexOf));
  return Number.isFinite(index) ? index : 0;
}

/** How an election stands (section 3.4); both configurations of a joint one must agree. */
export function voteResult(conf: ConfState, votes: ReadonlyMap<MemberId, boolean>): VoteResult {
  if (conf.voters.length === 0) return 'pending';
  const incoming = majorityVote(conf.voters, votes);
  const outgoing = majorityVote(conf.votersOutgoing, votes);
  if (incoming === outgoing) return incoming;
  return incoming === 'lost' || outgoing === 'lost' ? 'lost' : 'pending';
}

/** All members that take part in elections and commitment, each once. */
export function votersOf(conf: ConfState): readonly MemberId[] {
  if (conf.votersOutgoing.length === 0) return conf.voters;
  return [...new Set([...conf.voters, ...conf.votersOutgoing])];
}

/** All members that get the log, each once. */
export function membersOf(conf: ConfState): readonly MemberId[] {
  return [...new Set([...conf.voters, ...conf.votersOutgoing, ...conf.learners, ...conf.learnersNext])];
}

export function isJoint(conf: ConfState): boolean {
  return conf.votersOutgoing.length > 0;
}

// Leader election (section 3.4), with the check of the log (3.6.1), PreVote (9.6), and votes withheld while a leader is alive
// (6.4.1 and 4.2.3), so that a member that was cut off does not disturb the others when it returns.
import type { Core, Outgoing } from './core.ts';
import { becomeLeader } from './leader.ts';
import { voteResult } from './quorum.ts';
import type { MemberId, Message } from './types.ts';

export type CampaignKind = 'preVote' | 'vote' | 'transfer';
type VoteRequest = Extract<Message, { type: 'voteRequest' | 'preVoteRequest' }>;
type VoteResponse = Extract<Message, { type: 'voteResponse' | 'preVoteResponse' }>;

/** A voter with nothing half-done may stand for election. */
export function promotable(core: Core): boolean {
  return core.isVoter(core.id) && core.log.pendingSnapshot === undefined;
}

/** The election timeout has passed, or somebody asked for it. */
export function startElection(core: Core, kind: CampaignKind): void {
  if (core.role === 'leader') return;
  if (!promotable(core)) {
    core.trace('notPromotable');
    return;
  }
  if (hasUnappliedConfigChange(core)) {
    core.trace('campaignWaitsForConfigChange');
    return;
  }
  campaign(core, kind);
}

/** Which quorum would elect this member is only known once every committed change is applied. */
function hasUnappliedConfigChange(core: Core): boolean {
  if (core.log.applied >= core.log.committed) return false;
  const entries = core.log.slice(core.log.applied + 1, core.log.committed + 1, Number.POSITIVE_INFINITY);
  return entries === 'compacted' || entries.some((entry) => entry.type === 'configChange');
}

function campaign(core: Core, kind: CampaignKind): void {
  if (kind === 'preVote') becomePreCandidate(core);
  else becomeCandidate(core);
  // In a pre-vote the question is about the next term, which this member does not enter yet (section 9.6).
  const term = kind === 'preVote' ? core.term + 1 : core.term;
  core.votes.set(core.id, true);
  const { lastIndex, lastTerm } = core.log;
  for (const to of core.otherVoters()) {
    const type = kind === 'preVote' ? 'preVoteRequest' : 'voteRequest';
    core.sendAs({ type, to, lastIndex, lastTerm, transfer: kind === 'transfer' }, term);
  }
  countVotes(core);
}

function becomePreCandidate(core: Core): void {
  // Neither term nor vote change: a pre-vote promises nothing.
  core.role = 'preCandidate';
  core.leader = 0n;
  core.votes.clear();
  core.electionElapsed = 0;
  core.drawElectionTimeout();
  core.trace('becomePreCandidate', { term: core.term });
}

function becomeCandidate(core: Core): void {
  core.reset(core.term + 1);
  core.vote = core.id;
  core.role = 'candidate';
  core.trace('becomeCandidate', { term: core.term });
}

function countVotes(core: Core): void {
  const result = voteResult(core.conf, core.votes);
  if (result === 'won') {
    if (core.role === 'preCandidate') campaign(core, 'vote');
    else becomeLeader(core);
  } else if (result === 'lost') {
    // Back to waiting in the term that was reached; the vote in it stays given.
    core.becomeFollower(core.term, 0n);
  }
}

/**
 * Whether a request of a later term is to be ignored: this member has heard from a leader within the election timeout, so
 * nobody needs a new one (section 4.2.3); also what makes a leader's quorum check a lease. A leadership transfer overrides it.
 */
export function inLease(core: Core, message: VoteRequest): boolean {
  return !message.transfer && core.config.checkQuorum && core.leader !== 0n && core.electionElapsed < core.config.electionTicks;
}

/** Answers a request of this term or, for a pre-vote, of a later one. */
export function handleVoteRequest(core: Core, message: VoteRequest): void {
  const pre = message.type === 'preVoteRequest';
  const type = pre ? 'preVoteResponse' : 'voteResponse';
  const mayVote =
    core.vote === message.from ||
    (core.vote === 0n && core.leader === 0n) ||
    // A pre-vote for a later term gives nothing away.
    (pre && message.term > core.term);
  if (mayVote && core.log.isUpToDate(message.lastIndex, message.lastTerm)) {
    // The answer carries the term that was asked about, not this member's own.
    core.sendAs({ type, to: message.from, reject: false, commit: 0, commitTerm: 0 }, message.term);
    if (!pre) {
      core.electionElapsed = 0;
      core.vote = message.from;
    }
    core.trace(pre ? 'grantPreVote' : 'grantVote', { to: hex(message.from), term: message.term });
  } else {
    core.send(rejection(core, type, message.from));
    core.trace(pre ? 'rejectPreVote' : 'rejectVote', { to: hex(message.from), term: message.term });
  }
}

/** A refusal, with what this member knows to be committed. */
export function rejection(core: Core, type: VoteResponse['type'], to: MemberId): Outgoing {
  const commit = core.log.committed;
  const term = core.log.term(commit);
  return { type, to, reject: true, commit, commitTerm: typeof term === 'number' ? term : 0 };
}

/**
 * Configurations count here from their commit on (as in etcd; the dissertation counts them from the append on). So a voter may
 * have the entry that makes it the new majority without knowing that it is committed, while those who know were removed by it
 * and cannot stand. Their rejections tell it. Safe: an entry of that index and term is that entry (Log Matching), and committed.
 */
export function commitByVote(core: Core, message: VoteResponse): void {
  if (
    core.role === 'leader' ||
    !message.reject ||
    message.commitTerm === 0 ||
    !core.log.matches(message.commit, message.commitTerm)
  )
    return;
  if (core.log.commitTo(message.commit)) core.trace('commitByVote', { commit: message.commit, from: hex(message.from) });
}

export function handleVoteResponse(core: Core, message: VoteResponse): void {
  const expected = message.type === 'preVoteResponse' ? 'preCandidate' : 'candidate';
  if (core.role !== expected) return;
  commitByVote(core, message);
  if (!core.votes.has(message.from)) core.votes.set(message.from, !message.reject);
  countVotes(core);
}

function hex(id: MemberId): string {
  return id.toString(16);
}

// What to do with a message (figure 3.1, "Rules for Servers"): first its term, then its type and this member's role.
import { decodeConfigChange } from './config-codec.ts';
import type { Core } from './core.ts';
import { commitByVote, handleVoteRequest, handleVoteResponse, inLease, rejection, startElection } from './election.ts';
import { isJoint } from './quorum.ts';
import { acknowledgeRead, enqueueRead, handleReadIndexResponse } from './read-index.ts';
import {
  handleAppend,
  handleAppendResponse,
  handleHeartbeat,
  handleHeartbeatResponse,
  reserveUncommitted,
} from './replication.ts';
import { handleSnapshot } from './snapshot.ts';
import { transferLeadership } from './transfer.ts';
import type { Entry, Message, ProposeResult } from './types.ts';
import { WireError } from './wire.ts';

export function stepMessage(core: Core, message: Message): void {
  if (message.to !== core.id) {
    core.trace('misaddressed', { type: message.type });
    return;
  }
  switch (message.type) {
    // Requests of a client that another member hands on; they carry no term.
    case 'proposeForward':
      for (const entry of message.entries) proposeAsLeader(core, entry);
      return;
    case 'readIndexForward':
      if (core.role === 'leader') enqueueRead(core, message.from, message.context);
      return;
    case 'transferForward':
      if (core.role === 'leader') transferLeadership(core, message.transferee);
      return;
    default:
      if (message.term > core.term && !enterTerm(core, message)) return;
      if (message.term < core.term) {
        answerStale(core, message);
        return;
      }
      stepInTerm(core, message);
  }
}

/** A later term was seen. False where the message is to be ignored. */
function enterTerm(core: Core, message: Message): boolean {
  if (message.type === 'voteRequest' || message.type === 'preVoteRequest') {
    if (inLease(core, message)) {
      core.trace('ignoreVoteInLease', { from: message.from.toString(16), term: message.term });
      return false;
    }
    // A pre-vote asks about a term without entering it (section 9.6).
    if (message.type === 'preVoteRequest') return true;
  }
  // A granted pre-vote carries the term that this member wants to enter; a rejected one the other's own.
  if (message.type === 'preVoteResponse' && !message.reject) return true;
  const fromLeader =
    message.type === 'appendRequest' || message.type === 'heartbeatRequest' || message.type === 'snapshotRequest';
  core.becomeFollower(message.term, fromLeader ? message.from : 0n);
  return true;
}

/**
 * A message of an earlier term. Mostly noise, but some senders are stuck and need an answer: a leader that was replaced while a
 * member with a higher term cannot get votes (PreVote, CheckQuorum, learners), and a candidate that is behind (figure 3.1; etcd
 * leaves it alone, and it may stay behind a member that stands as often but in a configuration without it).
 */
function answerStale(core: Core, message: Message): void {
  const fromLeader = message.type === 'appendRequest' || message.type === 'heartbeatRequest';
  const cannotCampaignFreely = core.config.checkQuorum || core.config.preVote || !core.isVoter(core.id);
  if (fromLeader && cannotCampaignFreely) {
    core.send({ type: 'appendResponse', to: message.from, index: 0, reject: false, hintIndex: 0, hintTerm: 0 });
  } else if (message.type === 'preVoteRequest') {
    core.send(rejection(core, 'preVoteResponse', message.from));
  } else if (message.type === 'voteRequest') {
    core.send(rejection(core, 'voteResponse', message.from));
  } else if (message.type === 'preVoteResponse' || message.type === 'voteResponse') {
    // A voter that is behind in terms may be ahead in knowing what is committed; that is true in every term.
    commitByVote(core, message);
  }
}

function stepInTerm(core: Core, message: Message): void {
  switch (message.type) {
    case 'voteRequest':
    case 'preVoteRequest':
      handleVoteRequest(core, message);
      return;
    case 'voteResponse':
    case 'preVoteResponse':
      handleVoteResponse(core, message);
      return;
    case 'appendRequest':
    case 'heartbeatRequest':
    case 'snapshotRequest':
      stepFromLeader(core, message);
      return;
    case 'appendResponse':
    case 'heartbeatResponse':
      stepFromFollower(core, message);
      return;
    case 'timeoutNow':
      if (core.role === 'follower') startElection(core, 'transfer');
      return;
    case 'readIndexResponse':
      handleReadIndexResponse(core, message);
      return;
  }
}

/** There is one leader per term (section 3.6.3): whoever speaks as one in this term is it. */
function stepFromLeader(
  core: Core,
  message: Extract<Message, { type: 'appendRequest' | 'heartbeatRequest' | 'snapshotRequest' }>,
): void {
  if (core.role === 'leader') {
    core.trace('secondLeaderInTerm', { from: message.from.toString(16), term: message.term });
    return;
  }
  if (core.role !== 'follower' || core.leader !== message.from) core.becomeFollower(message.term, message.from);
  core.electionElapsed = 0;
  if (message.type === 'appendRequest') handleAppend(core, message);
  else if (message.type === 'heartbeatRequest') handleHeartbeat(core, message);
  else handleSnapshot(core, message);
}

function stepFromFollower(core: Core, message: Extract<Message, { type: 'appendResponse' | 'heartbeatResponse' }>): void {
  const progress = core.progress.get(message.from);
  if (core.role !== 'leader' || progress === undefined) return;
  if (message.type === 'appendResponse') {
    handleAppendResponse(core, message, progress);
    return;
  }
  handleHeartbeatResponse(core, message.from, progress);
  acknowledgeRead(core, message.from, message.readSequence);
}

/** Takes one proposal into the log, or says why not. */
export function proposeAsLeader(core: Core, proposal: Pick<Entry, 'type' | 'data'>): ProposeResult {
  // A leader that was removed goes on until its removal is committed, but takes nothing new (section 4.2.2).
  if (core.role !== 'leader' || !core.progress.has(core.id)) return 'noLeader';
  if (core.transferee !== 0n) return 'transferring';
  if (proposal.type === 'configChange') {
    const refusal = refuseConfigChange(core, proposal.data);
    if (refusal !== undefined) {
      core.trace('configChangeRefused', { reason: refusal });
      return 'configChangePending';
    }
  }
  if (!reserveUncommitted(core, [proposal])) return 'tooManyUncommitted';
  core.appendOwn([proposal]);
  if (proposal.type === 'configChange') core.pendingConfIndex = core.log.lastIndex;
  return 'accepted';
}

function refuseConfigChange(core: Core, data: Uint8Array): string | undefined {
  if (core.pendingConfIndex > core.log.applied) return `change at ${core.pendingConfIndex} is not applied`;
  try {
    const leaving = decodeConfigChange(data).steps.length === 0;
    if (isJoint(core.conf) && !leaving) return 'in a joint configuration';
    if (!isJoint(core.conf) && leaving) return 'not in a joint configuration';
    return undefined;
  } catch (error) {
    if (error instanceof WireError) return error.message;
    throw error;
  }
}

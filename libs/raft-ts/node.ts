// A member of a Raft cluster as a pure state machine: commands and messages in, `Ready` out. See types.ts for the contract.
import { assert } from '@drydock/foundation/assert.ts';
import { encodeConfigChange } from './config-codec.ts';
import { Core } from './core.ts';
import { promotable, startElection } from './election.ts';
import { syncProgress, tickLeader } from './leader.ts';
import { applyConfigChange } from './membership.ts';
import { isJoint } from './quorum.ts';
import { flushReads, requestRead } from './read-index.ts';
import { acknowledgeOwn, advanceCommit, flushAppends, releaseUncommitted } from './replication.ts';
import { reportSnapshot } from './snapshot.ts';
import { proposeAsLeader, stepMessage } from './step.ts';
import { transferLeadership } from './transfer.ts';
import type {
  ConfigChange,
  ConfState,
  Entry,
  EntryType,
  HardState,
  MemberId,
  Message,
  ProgressStatus,
  ProposeResult,
  RaftConfig,
  RaftNode,
  RaftStatus,
  Ready,
  SoftState,
} from './types.ts';

/** These promise something: they may not leave before what they promise is durable (sections 3.4 and 3.5). */
const promises: ReadonlySet<Message['type']> = new Set(['appendResponse', 'voteResponse', 'preVoteResponse']);

/** Builds a member from its durable state. Throws AssertionError where log, commit and applied index do not fit together. */
export function createRaftNode(config: RaftConfig): RaftNode {
  return new Node(config);
}

class Node implements RaftNode {
  readonly #core: Core;
  #hard: HardState;
  #soft: SoftState;
  /** Of the last message with proposals that this member has made; it grows until the message is handed out. */
  #forwarded: Pick<Entry, 'type' | 'data'>[] = [];
  /** Handed out and not advanced. */
  #handed: Ready | undefined;

  constructor(config: RaftConfig) {
    this.#core = new Core(config);
    this.#hard = hardStateOf(this.#core);
    this.#soft = softStateOf(this.#core);
  }

  tick(): void {
    const core = this.#core;
    if (core.role === 'leader') {
      tickLeader(core);
      return;
    }
    core.electionElapsed++;
    if (!promotable(core) || core.electionElapsed < core.electionTimeout) return;
    core.electionElapsed = 0;
    startElection(core, core.config.preVote ? 'preVote' : 'vote');
  }

  step(message: Message): void {
    stepMessage(this.#core, message);
  }

  propose(data: Uint8Array): ProposeResult {
    return this.#propose('normal', data);
  }

  proposeConfigChange(change: ConfigChange): ProposeResult {
    return this.#propose('configChange', encodeConfigChange(change));
  }

  #propose(type: EntryType, data: Uint8Array): ProposeResult {
    const core = this.#core;
    if (core.role === 'leader') return proposeAsLeader(core, { type, data });
    if (core.leader === 0n) return 'noLeader';
    const last = core.outbox.at(-1);
    // Proposals of one turn travel together.
    if (last?.type === 'proposeForward' && last.to === core.leader && last.entries === this.#forwarded) {
      this.#forwarded.push({ type, data });
    } else {
      this.#forwarded = [{ type, data }];
      core.send({ type: 'proposeForward', to: core.leader, entries: this.#forwarded });
    }
    return 'accepted';
  }

  applyConfigChange(change: ConfigChange): ConfState {
    const core = this.#core;
    core.conf = applyConfigChange(core.conf, change);
    core.trace('configChanged', { voters: listOf(core.conf.voters), outgoing: listOf(core.conf.votersOutgoing) });
    if (core.role === 'leader') this.#applyAsLeader();
    return core.conf;
  }

  #applyAsLeader(): void {
    const core = this.#core;
    if (!core.isVoter(core.id)) {
      // Removed or demoted: the others learn what is committed, then elect one of themselves (section 4.2.2).
      core.appendsDue = true;
      flushAppends(core);
      core.becomeFollower(core.term, 0n);
      return;
    }
    syncProgress(core);
    // A smaller quorum may already have what the larger one lacked; newcomers are probed.
    advanceCommit(core);
    core.appendsDue = true;
    if (core.transferee !== 0n && !core.isVoter(core.transferee)) core.transferee = 0n;
  }

  readIndex(context: bigint): void {
    requestRead(this.#core, context);
  }

  campaign(): void {
    startElection(this.#core, this.#core.config.preVote ? 'preVote' : 'vote');
  }

  transferLeadership(transferee: MemberId): void {
    transferLeadership(this.#core, transferee);
  }

  reportUnreachable(id: MemberId): void {
    const progress = this.#core.progress.get(id);
    // Optimistic appends were probably lost.
    if (progress?.state === 'replicate') progress.becomeProbe();
  }

  reportSnapshot(id: MemberId, outcome: 'finished' | 'failed'): void {
    reportSnapshot(this.#core, id, outcome);
  }

  hasReady(): boolean {
    const core = this.#core;
    if (this.#handed !== undefined) return false;
    return (
      core.outbox.length > 0 ||
      core.traces.length > 0 ||
      core.readStates.length > 0 ||
      core.log.unstable.length > 0 ||
      core.log.pendingSnapshot !== undefined ||
      core.log.hasCommitted ||
      core.appendsDue ||
      (core.readsDue && core.committedInTerm()) ||
      !sameHard(this.#hard, hardStateOf(core)) ||
      !sameSoft(this.#soft, softStateOf(core))
    );
  }

  ready(): Ready {
    assert(this.#handed === undefined, 'ready() before advance()');
    const core = this.#core;
    flushReads(core);
    flushAppends(core);
    const hard = hardStateOf(core);
    const soft = softStateOf(core);
    const entries = [...core.log.unstable];
    const promised = hard.term !== this.#hard.term || hard.vote !== this.#hard.vote;
    const outbox = core.outbox;
    const ready: Ready = {
      soft: sameSoft(this.#soft, soft) ? undefined : soft,
      hardState: sameHard(this.#hard, hard) ? undefined : hard,
      // The commit index may be lost: it is learned again (section 3.8).
      mustSync: promised || entries.length > 0,
      entries,
      snapshot: core.log.pendingSnapshot,
      // With a new term or vote everything waits: a message of a term says that this member is in it, for good.
      messagesBeforeSync: promised ? [] : outbox.filter((message) => !promises.has(message.type)),
      messages: promised ? outbox : outbox.filter((message) => promises.has(message.type)),
      committed: core.log.nextCommitted(core.config.maxCommittedBytesPerReady),
      reads: core.readStates,
      trace: core.traces,
    };
    core.outbox = [];
    core.readStates = [];
    core.traces = [];
    this.#hard = hard;
    this.#soft = soft;
    this.#handed = ready;
    return ready;
  }

  advance(): void {
    const ready = this.#handed;
    assert(ready !== undefined, 'advance() without ready()');
    this.#handed = undefined;
    const core = this.#core;
    if (ready.snapshot !== undefined) {
      core.log.snapshotStable(ready.snapshot.meta);
      core.log.applied = Math.max(core.log.applied, ready.snapshot.meta.index);
      core.conf = ready.snapshot.meta.conf;
    }
    const last = ready.entries.at(-1);
    if (last !== undefined) {
      core.log.stableTo(last.index, last.term);
      acknowledgeOwn(core, last);
    }
    const applied = ready.committed.at(-1);
    if (applied === undefined) return;
    core.log.applied = applied.index;
    releaseUncommitted(core, ready.committed);
    this.#leaveJointWhenApplied();
  }

  /** A joint configuration that was entered to be left is left by its leader, as soon as it is committed (section 4.3). */
  #leaveJointWhenApplied(): void {
    const core = this.#core;
    if (core.role !== 'leader' || !isJoint(core.conf) || !core.conf.autoLeave) return;
    if (core.pendingConfIndex > core.log.applied) return;
    proposeAsLeader(core, {
      type: 'configChange',
      data: encodeConfigChange({ steps: [], context: new Uint8Array(0) }),
    });
  }

  status(): RaftStatus {
    const core = this.#core;
    const progress = new Map<MemberId, ProgressStatus>();
    for (const [id, { match, next, state, recentActive }] of core.progress) {
      progress.set(id, { match, next, state, recentActive: recentActive || id === core.id, isLearner: core.isLearner(id) });
    }
    return {
      id: core.id,
      term: core.term,
      vote: core.vote,
      leader: core.leader,
      role: core.role,
      commit: core.log.committed,
      applied: core.log.applied,
      lastIndex: core.log.lastIndex,
      conf: core.conf,
      progress,
      electionTicksLeft: core.role === 'leader' ? 0 : Math.max(0, core.electionTimeout - core.electionElapsed),
    };
  }
}

function hardStateOf(core: Core): HardState {
  return { term: core.term, vote: core.vote, commit: core.log.committed };
}

function softStateOf(core: Core): SoftState {
  return { leader: core.leader, role: core.role };
}

function sameHard(a: HardState, b: HardState): boolean {
  return a.term === b.term && a.vote === b.vote && a.commit === b.commit;
}

function sameSoft(a: SoftState, b: SoftState): boolean {
  return a.leader === b.leader && a.role === b.role;
}

function listOf(ids: readonly MemberId[]): string {
  return ids.map((id) => id.toString(16)).join(' ');
}

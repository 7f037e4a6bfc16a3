// The state that the rules of Raft read and change, and the few steps that all of them share: sending, roles, terms.
// The rules themselves are functions on it: election.ts, replication.ts, read-index.ts, snapshot.ts, transfer.ts, leader.ts.
import { RaftLog } from './log.ts';
import { Progress } from './progress.ts';
import { membersOf, votersOf } from './quorum.ts';
import type {
  ConfState,
  Entry,
  EntryType,
  LogIndex,
  MemberId,
  Message,
  RaftConfig,
  ReadState,
  Role,
  Term,
  TraceEvent,
} from './types.ts';

/** A message without what the sender fills in. */
export type Outgoing = Message extends infer M ? (M extends Message ? Omit<M, 'from' | 'term'> : never) : never;

/** A linearizable read that waits for a quorum (section 6.4). `from` is who asked. */
export interface PendingRead {
  readonly from: MemberId;
  readonly context: bigint;
  /** The commit index when the round began. */
  index: LogIndex;
  /** The heartbeat round that confirms it; 0 until one has begun. */
  sequence: number;
}

/** Everything a member knows. Mutable, and only by the rules. */
export class Core {
  readonly config: RaftConfig;
  readonly id: MemberId;
  readonly log: RaftLog;

  // Persistent (section 3.8), besides the log.
  term: Term;
  vote: MemberId;

  conf: ConfState;
  role: Role = 'follower';
  leader: MemberId = 0n;

  // Ticks.
  electionElapsed = 0;
  heartbeatElapsed = 0;
  electionTimeout = 0;

  /** Answers of this election, by voter. */
  votes = new Map<MemberId, boolean>();
  /** Only on a leader. */
  progress = new Map<MemberId, Progress>();
  /** The member that leadership is being handed to, or 0n. */
  transferee: MemberId = 0n;
  /** The last configChange entry; no other may be proposed until it is applied (section 4.1). */
  pendingConfIndex: LogIndex = 0;
  uncommittedBytes = 0;
  /** Appends may be due: sent once per Ready, so that one message carries all proposals of a turn. */
  appendsDue = false;

  reads: PendingRead[] = [];
  readSequence = 0;
  /** The newest read round that each member has confirmed. */
  readAcks = new Map<MemberId, number>();
  readsDue = false;

  // What the next Ready hands out.
  outbox: Message[] = [];
  readStates: ReadState[] = [];
  traces: TraceEvent[] = [];

  constructor(config: RaftConfig) {
    const { hardState, conf } = config.storage.initialState();
    this.config = config;
    this.id = config.id;
    this.log = new RaftLog(config.storage, Math.max(hardState.commit, config.applied), config.applied);
    this.term = hardState.term;
    this.vote = hardState.vote;
    this.conf = conf;
    this.drawElectionTimeout();
  }

  /** Forwards carry no term: they are requests of a client, not claims about one. */
  send(message: Outgoing): void {
    const forward =
      message.type === 'proposeForward' || message.type === 'readIndexForward' || message.type === 'transferForward';
    this.sendAs(message, forward ? 0 : this.term);
  }

  /** For votes that are asked for, or granted, in a term that is not this member's own yet. */
  sendAs(message: Outgoing, term: Term): void {
    this.outbox.push({ ...message, from: this.id, term } as Message);
  }

  trace(name: string, fields: TraceEvent['fields'] = {}): void {
    this.traces.push({ name, fields });
  }

  isVoter(id: MemberId): boolean {
    return this.conf.voters.includes(id) || this.conf.votersOutgoing.includes(id);
  }

  isLearner(id: MemberId): boolean {
    return !this.isVoter(id) && (this.conf.learners.includes(id) || this.conf.learnersNext.includes(id));
  }

  /** Everyone else who gets the log. */
  others(): MemberId[] {
    return membersOf(this.conf).filter((id) => id !== this.id);
  }

  otherVoters(): MemberId[] {
    return votersOf(this.conf).filter((id) => id !== this.id);
  }

  /** Whether an entry of this term is committed: only then does a leader know what is (sections 3.6.2 and 6.4). */
  committedInTerm(): boolean {
    return this.log.term(this.log.committed) === this.term;
  }

  becomeFollower(term: Term, leader: MemberId): void {
    const changed = this.role !== 'follower' || this.term !== term || this.leader !== leader;
    this.reset(term);
    this.role = 'follower';
    this.leader = leader;
    if (changed) this.trace('becomeFollower', { term, leader: leader.toString(16) });
  }

  /** What every change of role or term has in common. A vote is for one term (section 3.4). */
  reset(term: Term): void {
    if (this.term !== term) {
      this.term = term;
      this.vote = 0n;
    }
    this.leader = 0n;
    this.electionElapsed = 0;
    this.heartbeatElapsed = 0;
    this.drawElectionTimeout();
    this.votes.clear();
    this.progress.clear();
    this.transferee = 0n;
    this.pendingConfIndex = 0;
    this.uncommittedBytes = 0;
    this.appendsDue = false;
    this.reads = [];
    this.readSequence = 0;
    this.readAcks.clear();
    this.readsDue = false;
  }

  /** Randomised, so that split votes are rare (section 3.4). */
  drawElectionTimeout(): void {
    this.electionTimeout = this.config.electionTicks + this.config.random(this.config.electionTicks);
  }

  newProgress(match: LogIndex, next: LogIndex): Progress {
    return new Progress(match, next, this.config.maxInflightMessages);
  }

  /** A leader appends to its own log; replication follows with the next Ready. */
  appendOwn(proposals: readonly { readonly type: EntryType; readonly data: Uint8Array }[]): void {
    const first = this.log.lastIndex + 1;
    this.log.append(proposals.map(({ type, data }, i): Entry => ({ term: this.term, index: first + i, type, data })));
    this.appendsDue = true;
  }
}

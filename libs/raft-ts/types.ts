// The values that Raft speaks. Everything that enters or leaves the state machine is one of these; section numbers refer
// to Diego Ongaro's dissertation, "Consensus: Bridging Theory and Practice" (2014).

/** A member's identity; never reused. 0n is "nobody". etcd member ids are full uint64, hence bigint. */
export type MemberId = bigint;
/** Election period (section 3.3); starts at 0, grows only. */
export type Term = number;
/** Position in the log; the first entry is 1. */
export type LogIndex = number;

/** What an entry is for. `configChange` data is an encoded ConfigChange. */
export type EntryType = 'normal' | 'configChange';

export interface Entry {
  readonly term: Term;
  readonly index: LogIndex;
  readonly type: EntryType;
  /** Opaque to Raft; empty for the entry by which a new leader commits its term (section 6.4). */
  readonly data: Uint8Array;
}

/** What must survive a crash besides the log (section 3.8). */
export interface HardState {
  readonly term: Term;
  /** Candidate that got this member's vote in `term`, or 0n. */
  readonly vote: MemberId;
  readonly commit: LogIndex;
}

/** The membership at some index (chapter 4). `votersOutgoing` is non-empty only inside a joint change (section 4.3). */
export interface ConfState {
  readonly voters: readonly MemberId[];
  readonly learners: readonly MemberId[];
  readonly votersOutgoing: readonly MemberId[];
  /** Voters of the outgoing configuration that become learners when the joint change ends. */
  readonly learnersNext: readonly MemberId[];
  /** Leave the joint configuration by itself once it is committed. */
  readonly autoLeave: boolean;
}

export type ConfigChangeType = 'addVoter' | 'addLearner' | 'remove' | 'update';

/** A change of membership; more than one step goes through joint consensus. No step at all leaves a joint configuration. */
export interface ConfigChange {
  readonly steps: readonly { readonly type: ConfigChangeType; readonly id: MemberId }[];
  /** Opaque to Raft: the server's description of the member. */
  readonly context: Uint8Array;
}

export interface SnapshotMeta {
  readonly index: LogIndex;
  readonly term: Term;
  readonly conf: ConfState;
}

/** A state-machine snapshot (chapter 5). Raft carries only its place; the driver moves the content. */
export interface Snapshot {
  readonly meta: SnapshotMeta;
  /** Opaque handle or content of the driver's choosing. */
  readonly data: Uint8Array;
}

interface Envelope {
  readonly from: MemberId;
  readonly to: MemberId;
  readonly term: Term;
}

interface VoteAnswer {
  readonly reject: boolean;
  /**
   * With a rejection: what the voter knows to be committed. A candidate that has this entry learns that it is committed, which
   * may change the configuration that it needs votes of (see commitByVote in election.ts); 0 where there is nothing to tell.
   */
  readonly commit: LogIndex;
  readonly commitTerm: Term;
}

/** Messages between members. All may be lost, duplicated, delayed and reordered. */
export type Message = Envelope &
  (
    | {
        readonly type: 'appendRequest';
        readonly prevIndex: LogIndex;
        readonly prevTerm: Term;
        readonly entries: readonly Entry[];
        readonly commit: LogIndex;
      }
    | {
        readonly type: 'appendResponse';
        /** Last index that is known to match, or where `reject` the prevIndex that did not. */
        readonly index: LogIndex;
        readonly reject: boolean;
        /** Where to look next after a rejection: the follower's best guess, with its term (etcd's fast back-up). */
        readonly hintIndex: LogIndex;
        readonly hintTerm: Term;
      }
    | { readonly type: 'voteRequest'; readonly lastIndex: LogIndex; readonly lastTerm: Term; readonly transfer: boolean }
    | ({ readonly type: 'voteResponse' } & VoteAnswer)
    | { readonly type: 'preVoteRequest'; readonly lastIndex: LogIndex; readonly lastTerm: Term; readonly transfer: boolean }
    | ({ readonly type: 'preVoteResponse' } & VoteAnswer)
    | {
        readonly type: 'heartbeatRequest';
        readonly commit: LogIndex;
        /** Of the newest pending ReadIndex, echoed back (section 6.4); 0 where there is none. */
        readonly readSequence: number;
      }
    | { readonly type: 'heartbeatResponse'; readonly readSequence: number }
    | { readonly type: 'snapshotRequest'; readonly snapshot: Snapshot }
    | { readonly type: 'timeoutNow' }
    /** A follower hands a proposal or a read request to its leader. */
    | { readonly type: 'proposeForward'; readonly entries: readonly Pick<Entry, 'type' | 'data'>[] }
    | { readonly type: 'readIndexForward'; readonly context: bigint }
    | { readonly type: 'readIndexResponse'; readonly context: bigint; readonly index: LogIndex }
    | { readonly type: 'transferForward'; readonly transferee: MemberId }
  );

export type Role = 'follower' | 'preCandidate' | 'candidate' | 'leader';

/** State that may be lost in a crash. */
export interface SoftState {
  readonly leader: MemberId;
  readonly role: Role;
}

/** A confirmed linearizable read point: serve the read once `index` has been applied (section 6.4). */
export interface ReadState {
  readonly context: bigint;
  readonly index: LogIndex;
}

/**
 * What the driver has to do now, in this order:
 *  1. if `snapshot`: persist it, and replace the state machine by it;
 *  2. append `entries` to stable storage and persist `hardState`; if `mustSync`, make both durable;
 *  3. only then send `messages` (a leader may send its appendRequests at the same time as it writes, section 10.2.1:
 *     those are in `messagesBeforeSync`);
 *  4. apply `committed` to the state machine, in order; tell `applyConfigChange` for each configChange entry;
 *  5. answer `reads` once their index is applied;
 *  6. call `advance()`.
 */
export interface Ready {
  readonly soft: SoftState | undefined;
  readonly hardState: HardState | undefined;
  readonly mustSync: boolean;
  readonly entries: readonly Entry[];
  readonly snapshot: Snapshot | undefined;
  readonly messagesBeforeSync: readonly Message[];
  readonly messages: readonly Message[];
  readonly committed: readonly Entry[];
  readonly reads: readonly ReadState[];
  /** What happened, for logs and transcripts; has no effect on safety. */
  readonly trace: readonly TraceEvent[];
}

/** Decisions that a person wants to see: elections, step-downs, rejections. */
export interface TraceEvent {
  readonly name: string;
  readonly fields: Readonly<Record<string, string | number | boolean>>;
}

/** Why a proposal was not taken. */
export type ProposeResult = 'accepted' | 'noLeader' | 'transferring' | 'tooManyUncommitted' | 'configChangePending';

/** How far one member has come, as its leader sees it. */
export interface ProgressStatus {
  readonly match: LogIndex;
  readonly next: LogIndex;
  readonly state: 'probe' | 'replicate' | 'snapshot';
  readonly recentActive: boolean;
  readonly isLearner: boolean;
}

export interface RaftStatus {
  readonly id: MemberId;
  readonly term: Term;
  readonly vote: MemberId;
  readonly leader: MemberId;
  readonly role: Role;
  readonly commit: LogIndex;
  readonly applied: LogIndex;
  readonly lastIndex: LogIndex;
  readonly conf: ConfState;
  /** Only on the leader. */
  readonly progress: ReadonlyMap<MemberId, ProgressStatus>;
  /** Ticks until this member would start an election (followers, candidates), for display. */
  readonly electionTicksLeft: number;
}

/** Read access to what the driver has made durable. All calls are synchronous: the driver keeps the tail in memory. */
export interface RaftStorage {
  /** What `Ready` asked to persist before the last crash. */
  initialState(): { hardState: HardState; conf: ConfState };
  firstIndex(): LogIndex;
  lastIndex(): LogIndex;
  /** The term of an entry, or 'compacted' / 'unavailable'. */
  term(index: LogIndex): Term | 'compacted' | 'unavailable';
  /** Entries in [from, to), at least one, up to about `maxBytes`; 'compacted' where `from` is gone. */
  entries(from: LogIndex, to: LogIndex, maxBytes: number): readonly Entry[] | 'compacted';
  /** The newest snapshot, or undefined while one is being made: Raft asks again later. */
  snapshot(): Snapshot | undefined;
}

export interface RaftConfig {
  readonly id: MemberId;
  /** An election timeout is drawn from [electionTicks, 2 * electionTicks). */
  readonly electionTicks: number;
  readonly heartbeatTicks: number;
  readonly storage: RaftStorage;
  /** Last index that the state machine has applied (from its own durable state). */
  readonly applied: LogIndex;
  readonly preVote: boolean;
  readonly checkQuorum: boolean;
  /** Bytes of entries in one appendRequest, at most (a single larger entry still goes). */
  readonly maxMessageBytes: number;
  /** appendRequests under way to one follower, at most. */
  readonly maxInflightMessages: number;
  /** Bytes of proposals that are not committed yet, at most; beyond it proposals are refused. */
  readonly maxUncommittedBytes: number;
  /** Bytes of `Ready.committed`, at most. */
  readonly maxCommittedBytesPerReady: number;
  /** Uniform whole number in [0, bound): the only randomness, for election timeouts. */
  readonly random: (bound: number) => number;
}

/** The state machine's interface. No call blocks, performs IO, reads a clock or throws on bad input from the network. */
export interface RaftNode {
  tick(): void;
  /** Takes a message from another member. Messages that make no sense are dropped and traced. */
  step(message: Message): void;
  propose(data: Uint8Array): ProposeResult;
  proposeConfigChange(change: ConfigChange): ProposeResult;
  /** To be called when a committed configChange entry is applied; a change that is not taken is passed with no steps. */
  applyConfigChange(change: ConfigChange): ConfState;
  /** Asks for a linearizable read point; the answer arrives in `Ready.reads`, or never (leader lost): the caller times out. */
  readIndex(context: bigint): void;
  /** Starts an election now. */
  campaign(): void;
  transferLeadership(transferee: MemberId): void;
  /** The driver tells how sending went: an unreachable member is probed, a failed snapshot is sent again. */
  reportUnreachable(id: MemberId): void;
  reportSnapshot(id: MemberId, outcome: 'finished' | 'failed'): void;
  hasReady(): boolean;
  /** Hands out work; the same Ready is not handed out twice. Must be followed by `advance` before the next call. */
  ready(): Ready;
  advance(): void;
  status(): RaftStatus;
}

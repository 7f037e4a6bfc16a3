// The contract between consensus (raft, wal, peer) and what stands on it (mvcc, lease, watch, rpc, server): a state machine
// that is handed committed entries, and a replica that takes proposals. Neither side imports the other's files.
import type { ConfigChange, Entry, LogIndex, MemberId, ProposeResult, RaftStatus, SnapshotMeta, Term } from 'raft-ts/types.ts';

/** A consistent picture of the state machine, streamed to a lagging member or into a file. */
export interface StateMachineSnapshot {
  /** The applied index that `content` shows; the replica knows its term and membership. */
  readonly index: LogIndex;
  /** The bytes, in chunks of any size; read at most once. `return()` of its iterator releases what it holds. */
  readonly content: AsyncIterable<Uint8Array>;
}

/**
 * What the replica drives. Everything here is called from one loop, never concurrently with itself.
 * A throw from any method is fatal for the replica: it stops (`ReplicaOptions.fatal`), because state would diverge.
 */
export interface StateMachine {
  /**
   * Applies committed entries, synchronously and in order, without gaps: the first index is `appliedIndex() + 1`.
   * All types are passed: `configChange` data is decoded with `decodeConfigChange` of raft-ts/config-codec.ts (its `context` is
   * what the proposer put there), `normal` data may be empty (a new leader's first entry): count it as applied, do nothing.
   * Membership inside Raft is changed by the replica itself, right after the call.
   */
  apply(entries: readonly Entry[]): void;
  /** Whether the configChange entry at `index`, which was applied, was not taken: the membership of Raft must not change either. */
  refused(index: LogIndex): boolean;
  /** The last applied index. After a restart it equals `durableIndex()`; the replica applies the log again from there. */
  appliedIndex(): LogIndex;
  /** The last applied index that survives a crash. The log is kept from there on, so let it follow within seconds. */
  durableIndex(): LogIndex;
  /** A picture at `appliedIndex()`, taken now; later `apply` calls must not show in it. Several may be open at a time. */
  snapshot(): StateMachineSnapshot;
  /**
   * Replaces everything by `content`, durably: on return `appliedIndex() === durableIndex() === meta.index`. After a crash in the
   * middle it is called again, before anything else, with the same content.
   */
  restore(meta: SnapshotMeta, content: AsyncIterable<Uint8Array>): Promise<void>;
}

/** Why a replica call failed. `stopped`: this replica is ending; `timeout` never comes from here, callers bring a signal. */
export type ReplicaErrorCode = 'stopped';

export class ReplicaError extends Error {
  override readonly name = 'ReplicaError';
  readonly code: ReplicaErrorCode;

  constructor(code: ReplicaErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}

/** Fatal: the other members say that this one is not of them any more. Its data directory is of no more use. */
export class MemberRemovedError extends Error {
  override readonly name = 'MemberRemovedError';

  readonly id: MemberId;
  readonly by: MemberId;

  constructor(id: MemberId, by: MemberId) {
    super('the member has been permanently removed from the cluster');
    this.id = id;
    this.by = by;
  }
}

/** One member of the replicated log. Synchronous calls only queue work; the loop runs in a later turn and batches it. */
export interface Replica {
  readonly id: MemberId;
  /** Recovers from disk (replays the log into the state machine), then takes part in elections. Rejects where the disk is damaged. */
  start(): Promise<void>;
  /** Stops taking part and releases files and connections; pending `readIndex` reject with `stopped`. */
  stop(): Promise<void>;
  /**
   * Queues `data` for the log; on a follower it is handed to the leader. 'accepted' promises nothing: the entry may be lost with a
   * leader, or be committed after the proposer gave up. Put a request id into `data`, wait for it in `apply`, and time out.
   */
  propose(data: Uint8Array): ProposeResult;
  /** As `propose`, for membership; one change at a time: 'configChangePending' until the last one is applied. */
  proposeConfigChange(change: ConfigChange): ProposeResult;
  /**
   * Resolves as soon as a quorum has confirmed a read point and `appliedIndex()` has reached it: a read of the state machine
   * after that is linearizable. Callers of one turn share one round. Lost rounds are asked again by the replica itself; without
   * a quorum it waits until `signal` aborts (rejects with its reason).
   */
  readIndex(signal?: AbortSignal): Promise<LogIndex>;
  /** As of now. Cheap enough for every request header (term, leader) but builds maps on a leader: see `leader()`, `term()`. */
  status(): RaftStatus;
  /** 0n where none is known. */
  leader(): MemberId;
  term(): Term;
  /** Called when the known leader or the term changes, after `start` with the first one known. Returns the way to unsubscribe. */
  onLeaderChange(callback: (leader: MemberId, term: Term) => void): () => void;
  /** Asks the leader to hand over to `transferee`; watch `onLeaderChange` for the outcome. */
  transferLeadership(transferee: MemberId): void;
  /**
   * Where a member listens for its peers (`http://host:port` or `https://...`). Adding it again replaces its addresses. The
   * state machine calls these for every membership it applies, and the server for those it knows at start.
   */
  addPeer(id: MemberId, urls: readonly string[]): void;
  removePeer(id: MemberId): void;
}

/** A member of a new cluster; becomes a `configChange` entry (addVoter) with `context` at the start of every member's log. */
export interface BootstrapMember {
  readonly id: MemberId;
  readonly context: Uint8Array;
}

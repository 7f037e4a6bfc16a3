// A replica that the test drives: it names the leader, and says when what was proposed is committed. For tests of what stands
// on a replica, so that they need neither elections nor files.
import { encodeConfigChange } from 'raft-ts/config-codec.ts';
import { applyConfigChange } from 'raft-ts/membership.ts';
import type { ConfigChange, ConfState, EntryType, LogIndex, MemberId, ProposeResult, RaftStatus, Term } from 'raft-ts/types.ts';
import type { Replica, StateMachine } from '../../replica.ts';

interface Proposal {
  readonly type: EntryType;
  readonly data: Uint8Array;
}

interface Read {
  readonly resolve: (index: LogIndex) => void;
}

export class ManualReplica implements Replica {
  readonly id: MemberId;
  /** What `propose` answers while there is a leader. */
  answer: ProposeResult = 'accepted';
  /** Proposed and not committed. */
  proposed: Proposal[] = [];
  readonly #machine: StateMachine;
  /** Raft has stepped down, and nobody has been told yet. */
  deposed = false;
  /** Raft has won the election of the next term, and nobody has been told yet. */
  won = false;
  readonly #listeners = new Set<(leader: MemberId, term: Term) => void>();
  #reads: Read[] = [];
  #leader: MemberId = 0n;
  #term: Term = 1;
  #conf: ConfState;

  constructor(id: MemberId, machine: StateMachine) {
    this.id = id;
    this.#machine = machine;
    this.#conf = { voters: [id], learners: [], votersOutgoing: [], learnersNext: [], autoLeave: false };
  }

  /** A new leader, in the next term; 0n: none any more. */
  elect(leader: MemberId): void {
    if (leader !== 0n) this.#term++;
    this.won = false;
    this.#leader = leader;
    for (const listener of this.#listeners) listener(leader, this.#term);
  }

  /** Commits a leader's first entry, which is empty. */
  beginTerm(): void {
    this.#apply([{ type: 'normal', data: new Uint8Array(0) }]);
  }

  /** Commits what was proposed, the oldest first. */
  commit(count = this.proposed.length): void {
    this.#apply(this.proposed.splice(0, count));
  }

  /** What was proposed is gone with its leader. */
  lose(): void {
    this.proposed = [];
  }

  /** Read rounds that wait. */
  get rounds(): number {
    return this.#reads.length;
  }

  confirmReads(): void {
    for (const { resolve } of this.#reads.splice(0)) resolve(this.#machine.appliedIndex());
  }

  async start(): Promise<void> {}
  async stop(): Promise<void> {}

  propose(data: Uint8Array): ProposeResult {
    return this.#enqueue('normal', data);
  }

  proposeConfigChange(change: ConfigChange): ProposeResult {
    this.#conf = applyConfigChange(this.#conf, change);
    return this.#enqueue('configChange', encodeConfigChange(change));
  }

  readIndex(signal?: AbortSignal): Promise<LogIndex> {
    return new Promise((resolve, reject) => {
      const read = { resolve };
      this.#reads.push(read);
      signal?.addEventListener('abort', () => {
        this.#reads = this.#reads.filter((other) => other !== read);
        reject(signal.reason);
      });
    });
  }

  status(): RaftStatus {
    const applied = this.#machine.appliedIndex();
    const lastIndex = applied + this.proposed.length;
    return {
      id: this.id,
      term: this.#term + (this.won ? 1 : 0),
      vote: this.id,
      leader: this.#leader,
      role: this.#leader === this.id && !this.deposed ? 'leader' : 'follower',
      commit: applied,
      applied,
      lastIndex,
      conf: this.#conf,
      progress: new Map(),
      electionTicksLeft: 0,
    };
  }

  leader(): MemberId {
    return this.#leader;
  }

  term(): Term {
    return this.#term;
  }

  onLeaderChange(callback: (leader: MemberId, term: Term) => void): () => void {
    this.#listeners.add(callback);
    return () => this.#listeners.delete(callback);
  }

  transferLeadership(transferee: MemberId): void {
    this.elect(transferee);
  }

  addPeer(): void {}
  removePeer(): void {}

  #enqueue(type: EntryType, data: Uint8Array): ProposeResult {
    if (this.#leader === 0n && !this.won) return 'noLeader';
    if (this.answer === 'accepted') this.proposed.push({ type, data });
    return this.answer;
  }

  #apply(entries: readonly Proposal[]): void {
    const first = this.#machine.appliedIndex() + 1;
    this.#machine.apply(entries.map((entry, i) => ({ ...entry, term: this.#term, index: first + i })));
  }
}

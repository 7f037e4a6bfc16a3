// A replica without consensus and without disk: one member, every proposal committed in the next turn. For tests of what stands
// on a replica (mvcc, rpc), so that they need neither elections nor files.
import { encodeConfigChange } from 'raft-ts/config-codec.ts';
import { applyConfigChange } from 'raft-ts/membership.ts';
import type {
  ConfigChange,
  ConfState,
  Entry,
  EntryType,
  LogIndex,
  MemberId,
  ProposeResult,
  RaftStatus,
} from 'raft-ts/types.ts';
import { type Replica, ReplicaError, type StateMachine } from '../replica.ts';

const term = 2;

/** Loses everything with the process. Entries start after the state machine's applied index. */
export class SingleReplica implements Replica {
  readonly id: MemberId;
  readonly #machine: StateMachine;
  #conf: ConfState;
  #queue: { type: EntryType; data: Uint8Array }[] = [];
  #scheduled = false;
  #running = false;

  constructor(id: MemberId, machine: StateMachine) {
    this.id = id;
    this.#machine = machine;
    this.#conf = { voters: [id], learners: [], votersOutgoing: [], learnersNext: [], autoLeave: false };
  }

  async start(): Promise<void> {
    this.#running = true;
    this.propose(new Uint8Array(0));
  }

  async stop(): Promise<void> {
    this.#running = false;
    this.#queue = [];
  }

  propose(data: Uint8Array): ProposeResult {
    return this.#enqueue('normal', data);
  }

  proposeConfigChange(change: ConfigChange): ProposeResult {
    this.#conf = applyConfigChange(this.#conf, change);
    return this.#enqueue('configChange', encodeConfigChange(change));
  }

  async readIndex(signal?: AbortSignal): Promise<LogIndex> {
    await Promise.resolve();
    signal?.throwIfAborted();
    if (!this.#running) throw new ReplicaError('stopped', 'the replica has stopped');
    this.#drain();
    return this.#machine.appliedIndex();
  }

  status(): RaftStatus {
    const applied = this.#machine.appliedIndex();
    return {
      id: this.id,
      term,
      vote: this.id,
      leader: this.leader(),
      role: 'leader',
      commit: applied + this.#queue.length,
      applied,
      lastIndex: applied + this.#queue.length,
      conf: this.#conf,
      progress: new Map(),
      electionTicksLeft: 0,
    };
  }

  leader(): MemberId {
    return this.#running ? this.id : 0n;
  }

  term(): number {
    return term;
  }

  onLeaderChange(callback: (leader: MemberId, term: number) => void): () => void {
    let subscribed = true;
    queueMicrotask(() => subscribed && callback(this.id, term));
    return () => {
      subscribed = false;
    };
  }

  transferLeadership(): void {}
  addPeer(): void {}
  removePeer(): void {}

  #enqueue(type: EntryType, data: Uint8Array): ProposeResult {
    if (!this.#running) return 'noLeader';
    this.#queue.push({ type, data });
    if (!this.#scheduled) {
      this.#scheduled = true;
      queueMicrotask(() => this.#drain());
    }
    return 'accepted';
  }

  #drain(): void {
    this.#scheduled = false;
    const queue = this.#queue;
    this.#queue = [];
    if (queue.length === 0) return;
    const first = this.#machine.appliedIndex() + 1;
    this.#machine.apply(queue.map(({ type, data }, i): Entry => ({ term, index: first + i, type, data })));
  }
}

// The replicated state: entries in, changes of store, leases, alarms and members out. Deterministic: nothing here depends on
// time, on this member, or on what is only in memory. Outcomes are handed to whoever waits for them on the proposing member.
import { assert } from '@drydock/foundation/assert.ts';
import type { Clock, Timer } from '@drydock/foundation/clock.ts';
import { decodeConfigChange } from 'raft-ts/config-codec.ts';
import type { Entry, LogIndex, SnapshotMeta } from 'raft-ts/types.ts';
import { AuthStore } from '../auth/auth-store.ts';
import { RequestGuard } from '../auth/request-guard.ts';
import { EtcdError } from '../errors.ts';
import { decodeTtl, leaseIdOf } from '../lease/lease-record.ts';
import { Lessor } from '../lease/lessor.ts';
import { limits } from '../limits.ts';
import type { Backend, BackendSnapshot } from '../mvcc/backend.ts';
import type { KvContext } from '../mvcc/kv.ts';
import { MvccStore } from '../mvcc/store.ts';
import type { StateMachine, StateMachineSnapshot } from '../replica.ts';
import { Member } from '../rpc/messages.ts';
import { decode } from '../rpc/protobuf.ts';
import { WatchHub } from '../watch/hub.ts';
import { Alarms } from './alarms.ts';
import { applyRequest } from './apply.ts';
import { Downgrade } from './downgrade.ts';
import { Members } from './members.ts';
import { applyMembership, refusalOf } from './membership-change.ts';
import { decodeProposal, type ProposalKind } from './proposal.ts';
import { readSnapshot, writeSnapshot } from './snapshot-format.ts';

/** What became of a proposal: the response message without its header, or why it was refused. */
export type Outcome = object | EtcdError;

export interface StateMachineOptions {
  readonly backend: Backend;
  readonly clock: Clock;
  /** The backend cannot be written: the member must stop. */
  readonly fatal: (error: unknown, message: string) => void;
}

/** The record of how far the log is applied. */
export const appliedMark = 'appliedIndex';
const msPerSecond = 1000;

const unproposed = { proposer: 0n, sequence: 0n, payload: Buffer.alloc(0) };

export class EtcdStateMachine implements StateMachine {
  readonly backend: Backend;
  readonly store: MvccStore;
  readonly lessor = new Lessor();
  readonly alarms: Alarms;
  readonly downgrade: Downgrade;
  readonly auth: AuthStore;
  readonly guard: RequestGuard;
  readonly members: Members;
  readonly hub: WatchHub;
  readonly kv: KvContext;
  /** The outcome of an entry that this member or another proposed. */
  onOutcome: (proposer: bigint, sequence: bigint, outcome: Outcome) => void = () => {};
  /** A leader's first entry was applied. */
  onTermStart: (term: number) => void = () => {};
  /** A change of membership was applied, or refused: there may be another one. */
  onMembership: () => void = () => {};
  onLeaseGranted: () => void = () => {};
  /** The backend was committed, in so many seconds. */
  onBackendCommit: (seconds: number) => void = () => {};
  /** A user has a token. */
  onAuthenticated: (token: string, user: string) => void = () => {};
  /** Whether this member's backend has room for a request. The request is applied in any case: members must agree. */
  hasRoomFor: (kind: ProposalKind, payload: Buffer) => boolean = () => true;
  onSpaceExceeded: () => void = () => {};
  readonly #clock: Clock;
  readonly #fatal: StateMachineOptions['fatal'];
  #applied: LogIndex = 0;
  /** What the marks of the newest commit say, also of one that is under way. */
  #marked: LogIndex = 0;
  #committed: LogIndex = 0;
  #durable: LogIndex = 0;
  #committing: Promise<void> | undefined;
  #commitTimer: Timer | undefined;
  #commitAt = 0;
  /** No large commit before this; one under way is not the next. */
  #commitRestsUntil = 0;
  #syncTimer: Timer | undefined;
  #syncing = false;
  /** A commit has failed: the member stops, and does not try again on its way out. */
  #broken = false;
  #stepTimer: Timer | undefined;
  #compactionWaiters: (() => void)[] = [];

  constructor(options: StateMachineOptions) {
    this.backend = options.backend;
    this.#clock = options.clock;
    this.#fatal = options.fatal;
    this.store = new MvccStore(this.backend);
    this.alarms = new Alarms(this.backend);
    this.downgrade = new Downgrade(this.backend);
    this.auth = new AuthStore(this.backend);
    this.guard = new RequestGuard(this.auth, this.lessor);
    this.members = new Members(this.backend);
    this.hub = new WatchHub(this.store);
    this.kv = { store: this.store, leaseExists: (id) => this.lessor.has(id) };
    this.store.leaseOf = (key) => this.lessor.leaseOf(key);
    this.store.onLeaseChange = (key, before, after) => this.lessor.attach(key, before, after);
    this.store.onRevision = (revision, events) => this.hub.notify(revision, events);
    this.hub.onBehind = () => this.#stepSoon();
    this.backend.beforeCommit = () => {
      if (this.#applied === this.#marked) return;
      this.#marked = this.#applied;
      this.backend.setRecord('meta', appliedMark, encodeIndex(this.#applied));
    };
  }

  /** Reads what the backend holds. To be called once, before the replica starts. */
  async open(): Promise<void> {
    this.#load();
    await this.backend.sync();
    this.#durable = this.#applied;
  }

  refused(index: LogIndex): boolean {
    return this.members.refused(index);
  }

  appliedIndex(): LogIndex {
    return this.#applied;
  }

  durableIndex(): LogIndex {
    return this.#durable;
  }

  apply(entries: readonly Entry[]): void {
    for (const entry of entries) {
      assert(entry.index === this.#applied + 1, `entry ${entry.index} after ${this.#applied}`);
      this.#applied = entry.index;
      if (entry.type === 'configChange') this.#applyMembership(entry.index, entry.data);
      else if (entry.data.length === 0) this.onTermStart(entry.term);
      else this.#applyProposal(entry.data);
    }
    this.#commitSoon();
  }

  snapshot(): StateMachineSnapshot {
    return { index: this.#applied, content: writeSnapshot(this.backend.snapshot()) };
  }

  /** The backend as it is now or soon, for a backup. To be released. */
  backendSnapshot(): Promise<BackendSnapshot> {
    return this.backend.committedSnapshot();
  }

  /** Whoever reads meanwhile sees the state before; the change of all that is here is one turn. */
  async restore(meta: SnapshotMeta, content: AsyncIterable<Uint8Array>): Promise<void> {
    const replacement = await this.backend.replace();
    try {
      await readSnapshot(content, (bucket, records) => {
        const kept = bucket === 'meta' ? records.filter(({ key }) => key.toString() !== appliedMark) : records;
        replacement.load(bucket, kept);
      });
      replacement.load('meta', [{ key: Buffer.from(appliedMark), value: encodeIndex(meta.index) }]);
      this.store.stopCompaction();
      this.#stopCommits();
      await this.#committing;
      await replacement.finish(() => this.#changeOver(meta.index));
    } catch (error) {
      await replacement.abandon();
      throw error;
    }
  }

  #changeOver(index: LogIndex): void {
    const seen = this.store.revision;
    this.#load();
    assert(this.#applied === index, `the snapshot is of ${this.#applied}, not of ${index}`);
    this.#durable = index;
    this.hub.resync(seen);
  }

  /** Resolves when no compaction is under way. */
  compactionDone(): Promise<void> {
    if (!this.store.compacting) return Promise.resolve();
    return new Promise((resolve) => this.#compactionWaiters.push(resolve));
  }

  /** A last commit, durable. */
  async close(): Promise<void> {
    this.#stopCommits();
    await this.#committing;
    if (!this.#broken) await this.#commit();
    this.#stopCommits();
    this.#syncTimer?.cancel();
    this.#stepTimer?.cancel();
    this.store.stopCompaction();
    if (!this.#broken) await this.backend.sync();
    await this.backend.close();
  }

  #load(): void {
    for (const { key, value } of this.backend.records('meta')) {
      if (key.toString() === appliedMark) this.#applied = Number(value.readBigUInt64BE());
    }
    this.#marked = this.#applied;
    this.#committed = this.#applied;
    this.lessor.clear();
    for (const { key, value } of this.backend.records('lease')) {
      this.lessor.grant(leaseIdOf(key), decodeTtl(value), this.#clock.monotonicMs());
    }
    this.store.restore((key, lease) => this.lessor.attach(key, 0n, lease));
    this.alarms.restore();
    this.downgrade.restore();
    this.auth.restore();
    this.members.restore();
    if (this.store.compacting) this.#stepSoon();
  }

  #applyProposal(data: Uint8Array): void {
    const { kind, proposer, sequence, identity, payload } = decodeProposal(data);
    const room = this.hasRoomFor(kind, payload);
    let outcome: Outcome;
    try {
      const context = { identity, index: this.#applied, nowMs: this.#clock.monotonicMs() };
      outcome = applyRequest(this, kind, payload, context);
    } catch (error) {
      if (!(error instanceof EtcdError)) throw error;
      outcome = error;
    }
    if (!room && !(outcome instanceof EtcdError)) {
      outcome = new EtcdError('noSpace');
      this.onSpaceExceeded();
    }
    if (kind === 'compact' && this.store.compacting) this.#stepSoon();
    if (kind === 'leaseGrant') this.onLeaseGranted();
    this.onOutcome(proposer, sequence, outcome);
  }

  #applyMembership(index: LogIndex, data: Uint8Array): void {
    const change = decodeConfigChange(data);
    // Without a context where nobody has proposed it: a joint configuration that is left, a cluster that is forced.
    const { proposer, sequence, payload } = change.context.length > 0 ? decodeProposal(change.context) : unproposed;
    const described = decode(Member, payload);
    const refusal = refusalOf(this.members, change, described);
    if (refusal === undefined) applyMembership(this.members, change, described);
    else this.members.refuse(index);
    this.onOutcome(proposer, sequence, refusal ?? { members: this.members.list() });
    this.onMembership();
  }

  #commitSoon(): void {
    if (this.#committing !== undefined) return;
    const now = this.#clock.monotonicMs();
    const at = this.backend.pendingBytes >= limits.commitBytes ? this.#commitRestsUntil : now + limits.commitDelayMs;
    if (this.#commitTimer !== undefined && this.#commitAt <= at) return;
    this.#stopCommits();
    if (at <= now) {
      void this.#commit();
      return;
    }
    this.#commitAt = at;
    this.#commitTimer = this.#clock.timer(at - now, () => void this.#commit());
  }

  #stopCommits(): void {
    this.#commitTimer?.cancel();
    this.#commitTimer = undefined;
  }

  /** Resolves when there is none under way, also where one could not be made. */
  #commit(): Promise<void> {
    this.#stopCommits();
    if (this.#broken) return Promise.resolve();
    this.#committing ??= this.#commitOnce().finally(() => {
      this.#committing = undefined;
      if (!this.#broken && this.#applied > this.#committed) this.#commitSoon();
    });
    return this.#committing;
  }

  async #commitOnce(): Promise<void> {
    const began = this.#clock.monotonicMs();
    const index = this.#applied;
    try {
      await this.backend.commit();
    } catch (error) {
      this.#broken = true;
      this.#fatal(error, 'the backend cannot be written; what was acknowledged is in the log');
      return;
    }
    const now = this.#clock.monotonicMs();
    this.onBackendCommit((now - began) / msPerSecond);
    this.#commitRestsUntil = now + (now - began) * limits.commitRest;
    this.#committed = index;
    if (this.#durable < this.#committed) this.#syncTimer ??= this.#clock.timer(limits.syncDelayMs, () => this.#sync());
  }

  #sync(): void {
    if (this.#syncing) return;
    this.#syncing = true;
    const index = this.#committed;
    this.backend.sync().then(
      () => {
        this.#syncing = false;
        this.#syncTimer = undefined;
        this.#durable = Math.max(this.#durable, index);
        if (this.#durable < this.#committed) this.#syncTimer = this.#clock.timer(limits.syncDelayMs, () => this.#sync());
      },
      (error) => this.#fatal(error, 'the backend cannot be made durable; what was acknowledged is in the log'),
    );
  }

  /**
   * Compaction and replay go on in pieces, so that requests get their turn: after a piece of a compaction the thread and the disk
   * are theirs for as long as it took, and for longer where what it removes piles up before the disk.
   */
  #stepSoon(delayMs = 0): void {
    this.#stepTimer ??= this.#clock.timer(delayMs, () => {
      this.#stepTimer = undefined;
      const begunMs = this.#clock.monotonicMs();
      const compacting = this.store.compactStep();
      if (!compacting) {
        for (const done of this.#compactionWaiters.splice(0)) done();
      }
      const piled = this.backend.pendingBytes >= limits.compactionPendingBytes && this.#committing !== undefined;
      if (this.backend.pendingBytes > 0) this.#commitSoon();
      const tookMs = this.#clock.monotonicMs() - begunMs;
      if (this.hub.replayStep()) this.#stepSoon();
      else if (compacting) this.#stepSoon(piled ? limits.compactionPauseMs : Math.min(tookMs, limits.compactionPauseMs));
    });
  }
}

function encodeIndex(index: number): Buffer {
  const buffer = Buffer.allocUnsafeSlow(8);
  buffer.writeBigUInt64BE(BigInt(index));
  return buffer;
}

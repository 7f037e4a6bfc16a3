// One member as its services see it: proposals with their outcomes, linearizable read points, leases on the leader, membership.
import type { Clock, Timer } from '@drydock/foundation/clock.ts';
import type { Log } from '@drydock/foundation/log.ts';
import type { Random } from '@drydock/foundation/random.ts';
import type { ConfigChangeType, MemberId } from 'raft-ts/types.ts';
import { Access, type AuthSettings } from '../auth/access.ts';
import { rootUser } from '../auth/auth-store.ts';
import type { Identity } from '../auth/identity.ts';
import type { PasswordHasher } from '../auth/passwords.ts';
import { EtcdError, type EtcdErrorCode } from '../errors.ts';
import { limits } from '../limits.ts';
import { Instruments } from '../metrics/instruments.ts';
import type { Replica } from '../replica.ts';
import { AlarmRequest, alarmAction, alarmType, LeaseRevokeRequest, Member, type ResponseHeader } from '../rpc/messages.ts';
import { encode } from '../rpc/protobuf.ts';
import { Deadlines } from './deadlines.ts';
import { encodeProposal, type ProposalKind } from './proposal.ts';
import { Quota } from './quota.ts';
import type { EtcdStateMachine, Outcome } from './state-machine.ts';
import { timeoutReason } from './timeout-reason.ts';

/** What flags decide. */
export interface ServerSettings {
  readonly clusterId: bigint;
  readonly name: string;
  readonly advertiseClientUrls: readonly string[];
  readonly heartbeatMs: number;
  readonly electionMs: number;
  /** Negative: there is none. */
  readonly quotaBytes: number;
  readonly maxTxnOps: number;
  readonly maxRequestBytes: number;
  /** `--strict-reconfig-check`. */
  readonly strictReconfigCheck: boolean;
  /** `--max-learners`. */
  readonly maxLearners: number;
  readonly auth?: AuthSettings;
}

export interface ServerOptions extends ServerSettings {
  /** What is measured; of its own unless given. */
  readonly instruments?: Instruments;
  readonly replica: Replica;
  readonly machine: EtcdStateMachine;
  /** Since when a peer is connected, monotonic milliseconds; undefined where it is not. */
  readonly connectedSince: (id: MemberId) => number | undefined;
  readonly clock: Clock;
  readonly random: Random;
  readonly passwordHasher: PasswordHasher;
  readonly log: Log;
}

interface Pending {
  readonly kind: ProposalKind | 'membership';
  readonly propose: () => ReturnType<Replica['propose']>;
  /** Of the leader it went to; undefined while it waits for one. */
  term: number | undefined;
  readonly settle: (outcome: Outcome) => void;
}

/** etcd's request timeout: this and two elections. Milliseconds. */
const requestBaseMs = 5000;
/** Watches that ask for a leader end after this many election timeouts without one. */
const noLeaderElections = 3;
const leaseScanMinMs = 100;
const publishRetryMs = 1000;
const membershipRetryMs = 50;

export class EtcdServer {
  readonly options: ServerOptions;
  readonly machine: EtcdStateMachine;
  readonly replica: Replica;
  readonly access: Access;
  readonly #pending = new Map<bigint, Pending>();
  readonly #deadlines: Deadlines;
  readonly #unsubscribe: () => void;
  readonly #quota: Quota;
  #raising: Promise<void> | undefined;
  #sequence: bigint;
  #round: Promise<void> | undefined;
  #leaseTimer: Timer | undefined;
  #leaseDueMs = Infinity;
  #noLeaderTimer: Timer | undefined;
  #membershipTimer: Timer | undefined;
  #stopped = false;
  readonly #leaderWatchers = new Set<() => void>();
  readonly instruments: Instruments;
  readonly counters = { leaderChanges: 0, proposalsFailed: 0, ranges: 0, puts: 0, deletes: 0, txns: 0 };

  constructor(options: ServerOptions) {
    this.options = options;
    this.instruments = options.instruments ?? new Instruments();
    this.machine = options.machine;
    this.replica = options.replica;
    this.#deadlines = new Deadlines(options.clock, this.requestTimeoutMs);
    this.#sequence = options.random
      .stream('etcd/requests')
      .bytes(8)
      .reduce((value, byte) => value * 256n + BigInt(byte), 0n);
    this.machine.onOutcome = (proposer, sequence, outcome) => {
      if (proposer === this.replica.id) this.#settle(sequence, outcome);
    };
    this.access = new Access(this.machine.auth, options.auth ?? {}, {
      clock: options.clock,
      random: options.random.stream('etcd/auth'),
      passwordHasher: options.passwordHasher,
      appliedIndex: () => this.machine.appliedIndex(),
      readPoint: () => this.readPoint(),
    });
    this.machine.onAuthenticated = (token, user) => this.access.learn(token, user);
    this.machine.onTermStart = (term) => this.#failOlder(term);
    this.machine.onMembership = () => this.#proposeMembershipLater();
    this.machine.onLeaseGranted = () => this.#scheduleLeases();
    this.#quota = new Quota(this.machine.backend, options.quotaBytes);
    this.machine.hasRoomFor = (kind, payload) => this.#quota.hasRoomFor(kind, payload);
    this.machine.onSpaceExceeded = () => void this.#raiseNoSpace();
    this.#unsubscribe = this.replica.onLeaderChange((leader) => this.#leaderChanged(leader));
  }

  get requestTimeoutMs(): number {
    return requestBaseMs + 2 * this.options.electionMs;
  }

  /** Shortest time to live that a lease gets, seconds: one and a half elections. */
  get minLeaseTtlSeconds(): number {
    const electionTicks = Math.floor(this.options.electionMs / this.options.heartbeatMs);
    return Math.ceil((Math.floor((3 * electionTicks) / 2) * this.options.heartbeatMs) / 1000);
  }

  get isLeader(): boolean {
    return this.replica.leader() === this.replica.id;
  }

  /**
   * Whether Raft takes this member for the leader at this instant. `isLeader` and the lessor follow only after the log's next
   * write: a leader that was stopped and goes on still believes in itself for that long.
   */
  get leadsNow(): boolean {
    return this.replica.status().role === 'leader';
  }

  /** Whether this member has no vote; one that has joined and not seen its own addition yet does not know better. */
  get isLearner(): boolean {
    return this.machine.members.get(this.replica.id)?.isLearner ?? true;
  }

  get hasLeader(): boolean {
    return this.replica.leader() !== 0n;
  }

  header(revision = this.machine.store.revision): ResponseHeader {
    return {
      cluster_id: this.options.clusterId,
      member_id: this.replica.id,
      revision,
      raft_term: this.replica.term(),
    };
  }

  /** Completes the header of a message that the state machine has made. */
  fill<T extends { header: ResponseHeader | undefined }>(response: T): T {
    response.header = this.header(response.header?.revision ?? this.machine.store.revision);
    return response;
  }

  /** `identity`: who asks. Resolves with the outcome once the request is committed and applied here; rejects with EtcdError. */
  async propose(kind: ProposalKind, payload: Uint8Array, identity?: Identity): Promise<object> {
    if (payload.length > this.options.maxRequestBytes) throw new EtcdError('requestTooLarge');
    if (!this.#quota.hasRoomFor(kind, asBuffer(payload))) {
      await this.#raiseNoSpace();
      throw new EtcdError('noSpace');
    }
    const sequence = this.#nextSequence();
    const data = encodeProposal(kind, this.replica.id, sequence, payload, identity);
    return this.#enqueue(kind, sequence, () => this.replica.propose(data));
  }

  /** For what the member asks by itself. */
  get ownIdentity(): Identity | undefined {
    const { enabled, revision } = this.machine.auth;
    return enabled ? { user: rootUser, revision } : undefined;
  }

  /** As `propose`, for a change of membership. */
  async changeMembership(type: ConfigChangeType, member: Member): Promise<object> {
    const sequence = this.#nextSequence();
    const context = encodeProposal('memberAttributes', this.replica.id, sequence, encode(Member, member));
    const change = { steps: [{ type, id: member.ID }], context };
    return this.#enqueue('membership', sequence, () => this.replica.proposeConfigChange(change));
  }

  /** Resolves when a read of the state machine is linearizable. Callers of one turn share a round. */
  readPoint(): Promise<void> {
    this.#round ??= this.#startRound();
    return this.#round;
  }

  /** Calls `callback` when there has been no leader for some time; returns the way out. */
  onLeaderLost(callback: () => void): () => void {
    this.#leaderWatchers.add(callback);
    return () => this.#leaderWatchers.delete(callback);
  }

  /** Tells the cluster this member's name and client URLs; goes on until it is done. */
  async publish(): Promise<void> {
    const { name, advertiseClientUrls, clock } = this.options;
    while (!this.#stopped) {
      const known = this.machine.members.get(this.replica.id);
      const same = known?.name === name && known.clientURLs.join() === advertiseClientUrls.join();
      if (same) return;
      const attributes = { ID: this.replica.id, name, clientURLs: [...advertiseClientUrls] };
      try {
        await this.propose('memberAttributes', encode(Member, attributes));
      } catch (error) {
        if (!(error instanceof EtcdError)) throw error;
        await clock.sleep(publishRetryMs);
      }
    }
  }

  /** Ends everything that waits. The replica is stopped by its owner. */
  stop(): void {
    this.#stopped = true;
    this.#unsubscribe();
    this.#deadlines.stop();
    this.#leaseTimer?.cancel();
    this.#noLeaderTimer?.cancel();
    this.#membershipTimer?.cancel();
    for (const sequence of [...this.#pending.keys()]) this.#settle(sequence, new EtcdError('stopped'));
  }

  get pendingProposals(): number {
    return this.#pending.size;
  }

  #nextSequence(): bigint {
    this.#sequence = BigInt.asUintN(64, this.#sequence + 1n);
    return this.#sequence;
  }

  #enqueue(kind: Pending['kind'], sequence: bigint, propose: Pending['propose']): Promise<object> {
    if (this.#stopped) return Promise.reject(new EtcdError('stopped'));
    if (this.#pending.size >= limits.proposalsInFlight) return Promise.reject(new EtcdError('tooManyRequests'));
    return new Promise((resolve, reject) => {
      const pending: Pending = {
        kind,
        propose,
        term: undefined,
        settle: (outcome) => {
          this.#deadlines.end(pending);
          if (!(outcome instanceof EtcdError)) resolve(outcome);
          else {
            this.counters.proposalsFailed++;
            reject(outcome);
          }
        },
      };
      this.#pending.set(sequence, pending);
      const sinceMs = this.options.clock.monotonicMs();
      this.#deadlines.begin(pending, () => this.#settle(sequence, new EtcdError(this.#timeoutReason(pending, sinceMs))));
      this.#try(sequence, pending);
    });
  }

  #timeoutReason({ kind, term }: Pending, sinceMs: number): EtcdErrorCode {
    if (kind === 'membership') return 'timeout';
    return timeoutReason({
      taken: term !== undefined,
      sinceMs,
      self: this.replica.id,
      leader: this.replica.leader(),
      members: this.machine.members.list().map(({ ID }) => ID),
      connectedSince: this.options.connectedSince,
    });
  }

  #try(sequence: bigint, pending: Pending): void {
    const result = pending.propose();
    if (result === 'accepted') pending.term = this.#takenInTerm();
    else if (result === 'tooManyUncommitted') this.#settle(sequence, new EtcdError('tooManyRequests'));
    else if (result === 'configChangePending') this.#proposeMembershipLater();
  }

  /** Of a leader that its log does not tell of yet only Raft knows the term. */
  #takenInTerm(): number {
    return this.hasLeader ? this.replica.term() : this.replica.status().term;
  }

  /**
   * One change at a time: the others wait for it here, or were dropped by the leader. One that was not dropped gets into the log
   * twice then; the second is refused when it is applied, and nobody waits for it any more.
   */
  #proposeMembershipLater(): void {
    this.#membershipTimer ??= this.options.clock.timer(membershipRetryMs, () => {
      this.#membershipTimer = undefined;
      for (const [sequence, pending] of [...this.#pending]) if (pending.kind === 'membership') this.#try(sequence, pending);
    });
  }

  #settle(sequence: bigint, outcome: Outcome): void {
    const pending = this.#pending.get(sequence);
    if (pending === undefined) return;
    this.#pending.delete(sequence);
    pending.settle(outcome);
  }

  /** A leader of a newer term has begun: what older leaders were given and is not applied by now is lost, or its fate unknown. */
  #failOlder(term: number): void {
    for (const [sequence, pending] of [...this.#pending]) {
      if (pending.term !== undefined && pending.term < term) this.#settle(sequence, new EtcdError('timeoutLeaderFailure'));
    }
  }

  async #startRound(): Promise<void> {
    await Promise.resolve();
    this.#round = undefined;
    const controller = new AbortController();
    const token = {};
    this.#deadlines.begin(token, () => controller.abort(new EtcdError('timeout')));
    try {
      await this.replica.readIndex(controller.signal);
    } catch (error) {
      this.instruments.readIndexesFailed++;
      throw error instanceof EtcdError ? error : new EtcdError('stopped', { cause: error });
    } finally {
      this.#deadlines.end(token);
    }
  }

  /** Raises this member's alarm, which then holds for all; resolves when it has, or could not be. */
  async #raiseNoSpace(): Promise<void> {
    const own = (alarm: { readonly memberID: bigint }) => alarm.memberID === this.replica.id;
    if (this.machine.alarms.list(alarmType.noSpace).some(own)) return;
    this.#raising ??= this.raiseAlarm(alarmType.noSpace, this.replica.id).finally(() => {
      this.#raising = undefined;
    });
    await this.#raising;
  }

  /** Resolves when the alarm is raised, or could not be: whoever found the reason will find it again. */
  async raiseAlarm(alarm: number, memberID: MemberId): Promise<void> {
    const { quotaBytes, log } = this.options;
    log.warn({ quotaBytes, alarm, member: memberID.toString(16) }, 'raising an alarm');
    const request = encode(AlarmRequest, { action: alarmAction.activate, memberID, alarm });
    await this.propose('alarm', request).catch((err) => log.warn({ err }, 'could not raise an alarm'));
  }

  #leaderChanged(leader: MemberId): void {
    const { clock, electionMs } = this.options;
    const { lessor } = this.machine;
    if (leader !== 0n) {
      this.counters.leaderChanges++;
      this.#noLeaderTimer?.cancel();
      this.#noLeaderTimer = undefined;
      for (const [sequence, pending] of [...this.#pending]) if (pending.term === undefined) this.#try(sequence, pending);
    } else {
      this.#noLeaderTimer ??= clock.timer(noLeaderElections * electionMs, () => {
        for (const callback of [...this.#leaderWatchers]) callback();
      });
    }
    if (leader === this.replica.id && !lessor.primary) {
      lessor.promote(clock.monotonicMs(), electionMs);
      this.#scheduleLeases();
    } else if (leader !== this.replica.id && lessor.primary) {
      lessor.demote();
      this.#leaseTimer?.cancel();
      this.#leaseTimer = undefined;
      this.#leaseDueMs = Infinity;
    }
  }

  #scheduleLeases(): void {
    const due = this.machine.lessor.nextDueMs();
    if (due >= this.#leaseDueMs || due === Infinity) return;
    const { clock } = this.options;
    this.#leaseTimer?.cancel();
    this.#leaseDueMs = due;
    this.#leaseTimer = clock.timer(Math.max(leaseScanMinMs, due - clock.monotonicMs()), () => this.#expireLeases());
  }

  #expireLeases(): void {
    this.#leaseDueMs = Infinity;
    this.#leaseTimer = undefined;
    // A proposal of a deposed leader would be handed on to the one that has given every lease its full time again.
    const expired = this.leadsNow ? this.machine.lessor.expired(this.options.clock.monotonicMs()) : [];
    for (const ID of expired) {
      // Proposed again later where it fails: the lease stays until its revocation is applied.
      const revoked = this.propose('leaseRevoke', encode(LeaseRevokeRequest, { ID }), this.ownIdentity);
      revoked.then(() => this.instruments.leasesExpired++).catch(() => {});
    }
    this.#scheduleLeases();
  }
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

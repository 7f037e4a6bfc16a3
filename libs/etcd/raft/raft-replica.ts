// The driver of one member: it gives Raft the time and the messages, and does what each Ready asks for, in the documented order.
// One loop, one Ready at a time; what arrives meanwhile (proposals above all) is in the next one, and shares its sync.
import { assert } from '@drydock/foundation/assert.ts';
import type { Timer } from '@drydock/foundation/clock.ts';
import { decodeConfigChange, emptyConf, noChange } from 'raft-ts/config-codec.ts';
import type { MemoryStorage } from 'raft-ts/memory-storage.ts';
import { createRaftNode } from 'raft-ts/node.ts';
import type {
  ConfigChange,
  ConfState,
  Entry,
  HardState,
  LogIndex,
  MemberId,
  Message,
  ProposeResult,
  RaftNode,
  RaftStatus,
  Ready,
  Snapshot,
  SnapshotMeta,
  Term,
} from 'raft-ts/types.ts';
import type { SnapshotMessage } from '../peer/transport.ts';
import { MemberRemovedError, type Replica, ReplicaError } from '../replica.ts';
import type { Wal } from '../wal/wal.ts';
import { openMember } from './open-member.ts';
import { defaultTuning, limits, type ReplicaOptions, type ReplicaTuning } from './options.ts';
import { ReadRounds } from './read-rounds.ts';
import { Snapshots } from './snapshots.ts';
import { TraceLog } from './trace-log.ts';

/** A Replica on a disk and a transport. `start` must resolve before anything else is called, except the subscriptions and peers. */
export function createReplica(options: ReplicaOptions): Replica {
  return new RaftReplica(options);
}

/** What exists between start and stop. */
interface Running {
  readonly node: RaftNode;
  readonly wal: Wal;
  readonly storage: MemoryStorage;
  /** Up to here the log on disk is not needed any more. */
  mark: SnapshotMeta;
  /** Membership by applied index, from the mark on. */
  confs: { index: LogIndex; conf: ConfState }[];
}

class RaftReplica implements Replica {
  readonly id: MemberId;
  readonly #options: ReplicaOptions;
  readonly #tuning: ReplicaTuning;
  readonly #reads: ReadRounds;
  readonly #snapshots: Snapshots;
  readonly #listeners = new Set<(leader: MemberId, term: Term) => void>();
  readonly #trace: TraceLog;
  #running: Running | undefined;
  #loop: Promise<void> | undefined;
  #ticker: Timer | undefined;
  #leader: MemberId = 0n;
  #term: Term = 0;
  /** Only the commit index changed: it goes to disk with the next entries, for without it nothing is lost (section 3.8). */
  #unsaved: HardState | undefined;

  constructor(options: ReplicaOptions) {
    this.id = options.id;
    this.#options = options;
    this.#tuning = { ...defaultTuning, ...options.tuning };
    this.#trace = new TraceLog(options.log, options.id.toString(16));
    const firstContext = BigInt(options.random.stream('read-index').int(2 ** 31)) << 31n;
    this.#reads = new ReadRounds(options.clock, firstContext, (context) => this.#running?.node.readIndex(context));
    this.#snapshots = new Snapshots({
      disk: options.disk,
      machine: options.machine,
      transport: options.transport,
      metaAt: (index) => this.#metaAt(index),
      report: (id, outcome, error) => this.#reportSnapshot(id, outcome, error),
    });
  }

  async start(): Promise<void> {
    const { machine, log, random, transport } = this.#options;
    const opened = await openMember(this.#options, this.#tuning.segmentBytes);
    const election = random.stream('election');
    const node = createRaftNode({
      id: this.id,
      electionTicks: this.#electionTicks,
      heartbeatTicks: 1,
      storage: opened.storage,
      applied: machine.appliedIndex(),
      preVote: this.#tuning.preVote,
      checkQuorum: true,
      ...limits,
      random: (bound) => election.int(bound),
    });
    opened.storage.snapshotSource = () => this.#snapshots.place();
    this.#running = { node, wal: opened.wal, storage: opened.storage, mark: opened.mark, confs: [...opened.confs] };
    const { term, commit, lastIndex } = node.status();
    this.#term = term;
    log.info(
      { term, commit, lastIndex, applied: machine.appliedIndex(), tornBytes: opened.tornBytes, newLog: !opened.existed },
      'opened the write-ahead log',
    );
    // What was committed before the crash is applied before anybody is served.
    this.#wake();
    await this.#loop;
    if (this.#running === undefined) return;
    await transport.start({
      message: (message) => this.#step(message),
      snapshot: (message, content) => this.#receiveSnapshot(message, content),
      unreachable: (id) => this.#running?.node.reportUnreachable(id),
      removed: (by) => this.#fail(new MemberRemovedError(this.id, by)),
    });
    this.#advanceElection(node);
    this.#scheduleTick();
    this.#wake();
  }

  async stop(): Promise<void> {
    const running = this.#running;
    if (running === undefined) return;
    this.#running = undefined;
    this.#ticker?.cancel();
    this.#reads.stop(new ReplicaError('stopped', 'the replica has stopped'));
    await this.#loop;
    await this.#options.transport.stop();
    if (this.#unsaved !== undefined) await running.wal.save(this.#unsaved, [], true).catch(() => undefined);
    await running.wal.close();
  }

  propose(data: Uint8Array): ProposeResult {
    return this.#afterwards((node) => node.propose(data)) ?? 'noLeader';
  }

  proposeConfigChange(change: ConfigChange): ProposeResult {
    return this.#afterwards((node) => node.proposeConfigChange(change)) ?? 'noLeader';
  }

  readIndex(signal?: AbortSignal): Promise<LogIndex> {
    if (this.#running === undefined) return Promise.reject(new ReplicaError('stopped', 'the replica has stopped'));
    const read = this.#reads.read(signal);
    this.#wake();
    return read;
  }

  status(): RaftStatus {
    const status = this.#running?.node.status();
    if (status !== undefined) return status;
    const applied = this.#options.machine.appliedIndex();
    const none = {
      vote: 0n,
      leader: 0n,
      role: 'follower',
      conf: emptyConf,
      progress: new Map(),
      electionTicksLeft: 0,
    } as const;
    return { id: this.id, term: this.#term, commit: applied, applied, lastIndex: applied, ...none };
  }

  leader(): MemberId {
    return this.#leader;
  }

  term(): Term {
    return this.#term;
  }

  onLeaderChange(callback: (leader: MemberId, term: Term) => void): () => void {
    this.#listeners.add(callback);
    if (this.#leader !== 0n) queueMicrotask(() => this.#listeners.has(callback) && callback(this.#leader, this.#term));
    return () => this.#listeners.delete(callback);
  }

  transferLeadership(transferee: MemberId): void {
    this.#afterwards((node) => node.transferLeadership(transferee));
  }

  addPeer(id: MemberId, urls: readonly string[]): void {
    if (id !== this.id) this.#options.transport.addPeer(id, urls);
  }

  removePeer(id: MemberId): void {
    if (id !== this.id) this.#options.transport.removePeer(id);
  }

  get #electionTicks(): number {
    return Math.max(2, Math.round(this.#tuning.electionMs / this.#tuning.heartbeatMs));
  }

  /** Nobody needs to wait a whole election timeout for a leader at start (etcd's --initial-election-tick-advance). */
  #advanceElection(node: RaftNode): void {
    const { voters } = node.status().conf;
    if (voters.length === 1 && voters[0] === this.id) node.campaign();
    else for (let i = 0; i < this.#electionTicks - 2; i++) node.tick();
  }

  #scheduleTick(): void {
    this.#ticker = this.#options.clock.timer(this.#tuning.heartbeatMs, () => {
      if (this.#running === undefined) return;
      this.#scheduleTick();
      this.#afterwards((node) => node.tick());
    });
  }

  #step(message: Message): void {
    this.#afterwards((node) => node.step(message));
  }

  /** Calls Raft, then lets the loop look. An assertion in there is fatal: state that is wrong must not spread. */
  #afterwards<T>(call: (node: RaftNode) => T): T | undefined {
    const running = this.#running;
    if (running === undefined) return undefined;
    try {
      const result = call(running.node);
      this.#wake();
      return result;
    } catch (error) {
      this.#fail(error);
      return undefined;
    }
  }

  #wake(): void {
    this.#loop ??= this.#run();
  }

  async #run(): Promise<void> {
    // Let the rest of this turn add to the batch.
    await Promise.resolve();
    try {
      for (let running = this.#running; running !== undefined; running = this.#running) {
        this.#reads.begin();
        if (!running.node.hasReady()) break;
        await this.#turn(running);
      }
    } catch (error) {
      this.#fail(error);
    } finally {
      this.#loop = undefined;
    }
  }

  /** The order of this function is the contract of `Ready`. */
  async #turn(running: Running): Promise<void> {
    const { node, wal, storage } = running;
    const ready = node.ready();
    this.#trace.write(ready.trace);
    this.#send(ready.messagesBeforeSync);
    if (ready.hardState !== undefined) this.#unsaved = ready.hardState;
    if (ready.snapshot !== undefined) await this.#install(running, ready.snapshot);
    if (ready.mustSync) {
      const hardState = this.#unsaved;
      this.#unsaved = undefined;
      await wal.save(hardState, ready.entries, true);
    }
    storage.append(ready.entries);
    if (this.#running === undefined) return;
    this.#send(ready.messages);
    this.#apply(running, ready.committed);
    const applied = this.#options.machine.appliedIndex();
    for (const read of ready.reads) this.#reads.confirmed(read.context, read.index, applied);
    this.#reads.applied(applied);
    node.advance();
    this.#noteLeader(ready);
    await this.#compact(running);
  }

  #send(messages: readonly Message[]): void {
    if (messages.length === 0) return;
    const snapshots = messages.filter((message) => message.type === 'snapshotRequest');
    for (const message of snapshots) this.#snapshots.send(message);
    this.#options.transport.send(snapshots.length === 0 ? messages : messages.filter((m) => m.type !== 'snapshotRequest'));
  }

  #apply(running: Running, committed: readonly Entry[]): void {
    const last = committed.at(-1);
    if (last === undefined) return;
    const { machine } = this.#options;
    machine.apply(committed);
    assert(
      machine.appliedIndex() === last.index,
      `the state machine applied up to ${machine.appliedIndex()}, not ${last.index}`,
    );
    for (const entry of committed) {
      if (entry.type !== 'configChange') continue;
      const change = machine.refused(entry.index) ? noChange : decodeConfigChange(entry.data);
      const conf = running.node.applyConfigChange(change);
      running.confs.push({ index: entry.index, conf });
    }
  }

  /** The leader's snapshot replaces log and state machine. Durable first, so that a crash in the middle ends in the same place. */
  async #install(running: Running, snapshot: Snapshot): Promise<void> {
    const { meta } = snapshot;
    // What is committed beyond the snapshot is saved with its entries.
    await running.wal.saveSnapshot(meta, true, this.#unsaved);
    running.storage.reset(meta);
    await this.#snapshots.restore(meta);
    running.mark = meta;
    running.confs = [{ index: meta.index, conf: meta.conf }];
    this.#options.log.info({ index: meta.index, term: meta.term }, 'installed a snapshot from the leader');
    await running.wal.release();
  }

  /** Forgets what the state machine has durably, but for a tail in memory for members that lag a little. */
  async #compact(running: Running): Promise<void> {
    const { machine, log } = this.#options;
    const { storage, wal, mark } = running;
    const index = Math.min(machine.durableIndex(), machine.appliedIndex());
    const long = index - mark.index >= this.#tuning.snapshotCount;
    const large = storage.bytes > limits.logBytesMax && index > mark.index && index > storage.firstIndex();
    if (!long && !large) return;
    if (index > mark.index) {
      const meta = this.#metaAt(index);
      await wal.saveSnapshot(meta, false);
      running.mark = meta;
      running.confs = running.confs.filter((known, i) => known.index >= index || running.confs[i + 1] === undefined);
      const first = running.confs[0];
      if (first === undefined || first.index > index) running.confs.unshift({ index, conf: meta.conf });
    }
    storage.compact(Math.min(index, storage.compactableTo(this.#tuning.catchUpEntries, limits.catchUpBytesMax)));
    const segments = await wal.release();
    log.info({ index, firstIndex: storage.firstIndex(), segmentsRemoved: segments }, 'compacted the log');
  }

  #metaAt(index: LogIndex): SnapshotMeta {
    const running = this.#running;
    assert(running !== undefined, 'the replica is not running');
    const term = running.storage.term(index);
    assert(typeof term === 'number', `the term of the applied entry ${index} is ${term}`);
    const conf = running.confs.findLast((known) => known.index <= index)?.conf;
    assert(conf !== undefined, `the membership at ${index} is not known`);
    return { index, term, conf };
  }

  async #receiveSnapshot(message: SnapshotMessage, content: AsyncIterable<Uint8Array>): Promise<void> {
    const stored = await this.#snapshots.receive(message, content);
    this.#step(stored);
    await this.#loop;
    // Raft may have had no use for it. But a member that failed meanwhile needs it at its next start.
    if (this.#running !== undefined) await this.#snapshots.discard(message.snapshot.meta);
  }

  #reportSnapshot(id: MemberId, outcome: 'finished' | 'failed', error?: unknown): void {
    const fields = { to: id.toString(16), ...(error === undefined ? {} : { err: error }) };
    if (outcome === 'finished') this.#options.log.info(fields, 'sent a snapshot');
    else this.#options.log.warn(fields, 'could not send a snapshot');
    this.#afterwards((node) => node.reportSnapshot(id, outcome));
  }

  #noteLeader(ready: Ready): void {
    const leader = ready.soft?.leader ?? this.#leader;
    const term = ready.hardState?.term ?? this.#term;
    if (leader === this.#leader && term === this.#term) return;
    this.#leader = leader;
    this.#term = term;
    this.#reads.askAgain();
    for (const listener of this.#listeners) listener(leader, term);
  }

  #fail(error: unknown): void {
    if (this.#running === undefined) return;
    const running = this.#running;
    this.#running = undefined;
    this.#ticker?.cancel();
    this.#reads.stop(new ReplicaError('stopped', 'the replica has failed'));
    void running.wal.close().catch(() => undefined);
    void this.#options.transport.stop();
    this.#options.fatal(error, error instanceof Error ? error.message : 'the replica has failed');
  }
}

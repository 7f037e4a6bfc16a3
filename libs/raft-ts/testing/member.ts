// One member of a test cluster: a node, its disk, and a state machine that is a hash of everything applied.
import { createHash } from 'node:crypto';
import { decodeConfigChange, emptyConf } from '../config-codec.ts';
import { MemoryStorage } from '../memory-storage.ts';
import { createRaftNode } from '../node.ts';
import type {
  ConfigChange,
  ConfState,
  Entry,
  HardState,
  LogIndex,
  MemberId,
  Message,
  RaftConfig,
  RaftNode,
  Ready,
  Term,
} from '../types.ts';
import type { Checker } from './checker.ts';

/** Mistakes that a driver or an implementation could make, to see that the checker catches them. */
export type PlantedBug =
  | 'forgetVote'
  | 'sendBeforeSync'
  | 'grantAnyVote'
  | 'readWithoutQuorum'
  /** One member's Raft is not told of changes of membership. */
  | 'forgetConfigChange'
  /** The last change of membership is applied once more, to the configuration that a snapshot brought. */
  | 'changeOnTopOfSnapshot'
  /** A snapshot replaces the log, but not the state. */
  | 'keepStateAtSnapshot'
  /** A restart finds the log without its last entry, which was durable. */
  | 'loseLastEntry';

/** The state machine after some index. */
interface State {
  readonly index: LogIndex;
  readonly term: Term;
  readonly hash: string;
  readonly conf: ConfState;
}

export type CrashPoint = 'beforeSync' | 'afterSync';
export type MemberOptions = Omit<RaftConfig, 'id' | 'storage' | 'applied'> & { readonly bug?: PlantedBug };

export class TestMember {
  readonly id: MemberId;
  alive = true;
  node: RaftNode;
  state: State;
  readonly #options: MemberOptions;
  readonly #checker: Checker | undefined;
  #storage: MemoryStorage;
  #hard: HardState = { term: 0, vote: 0n, commit: 0 };
  /** States from the durable one on; a crash goes back to the first. */
  #history: State[];
  /** Handed out, and not yet on the disk; with the term of that moment. */
  #underWay: { readonly ready: Ready; readonly term: Term } | undefined;
  #lastChange: ConfigChange | undefined;
  #readsAsked = new Map<bigint, LogIndex>();
  #nextRead = 1n;
  readonly readsAnswered: { context: bigint; index: LogIndex }[] = [];

  constructor(id: MemberId, voters: readonly MemberId[], options: MemberOptions, checker?: Checker) {
    this.id = id;
    this.#options = options;
    this.#checker = checker;
    this.state = { index: 0, term: 0, hash: '', conf: { ...emptyConf, voters } };
    this.#history = [this.state];
    this.#storage = new MemoryStorage({ base: this.state, entries: [], hardState: this.#hard, conf: this.state.conf });
    this.node = this.#createNode();
  }

  get storage(): MemoryStorage {
    return this.#storage;
  }

  #createNode(): RaftNode {
    this.#storage.snapshotSource = () => {
      const { index, term, conf, hash } = this.state;
      return index === 0 ? undefined : { meta: { index, term, conf }, data: Buffer.from(hash) };
    };
    return createRaftNode({ ...this.#options, id: this.id, storage: this.#storage, applied: this.state.index });
  }

  /** Loses what was not durable: the node, and what the state machine applied since its last flush. */
  crash(): void {
    this.alive = false;
    this.#underWay = undefined;
    this.#readsAsked.clear();
  }

  restart(): void {
    this.state = this.#history[0] ?? this.state;
    this.#history = [this.state];
    const from = this.#storage.firstIndex();
    const entries = this.#storage.entries(from, this.#storage.lastIndex() + 1, Number.POSITIVE_INFINITY);
    const base = { index: from - 1, term: numberOr0(this.#storage.term(from - 1)) };
    const read = entries === 'compacted' ? [] : entries;
    const kept = this.#options.bug === 'loseLastEntry' && this.#hard.commit < from + read.length - 1 ? read.slice(0, -1) : read;
    this.#storage = new MemoryStorage({ base, entries: kept, hardState: this.#hard, conf: this.state.conf });
    this.node = this.#createNode();
    this.alive = true;
  }

  /** Makes the state machine durable and forgets the log but for its last `keep` applied entries. */
  compact(keep: number): void {
    this.#history = [this.state];
    if (this.state.index - keep > this.#storage.firstIndex()) this.#storage.compact(this.state.index - keep);
  }

  /** Asks for a read; it must see what is applied anywhere by now. */
  read(): void {
    const context = (this.id << 32n) | this.#nextRead++;
    this.#readsAsked.set(context, this.#checker?.maxApplied ?? 0);
    const status = this.node.status();
    if (this.#options.bug === 'readWithoutQuorum' && status.role === 'leader') this.#answer(context, status.commit);
    else this.node.readIndex(context);
  }

  /** Whether it has begun with a Ready and waits for its disk. */
  get waitsForDisk(): boolean {
    return this.#underWay !== undefined;
  }

  /** Does what a Ready asks for, in the documented order; a crash may come in between. Undefined where nothing was ready. */
  process(send: (message: Message) => void, crashAt?: CrashPoint): Ready | undefined {
    const ready = this.begin(send);
    if (ready === undefined) return undefined;
    if (crashAt === 'beforeSync') this.crash();
    else this.finish(send, crashAt);
    return ready;
  }

  /** The first half of `process`: the disk has been asked and has not answered. Messages and time may come before `finish`. */
  begin(send: (message: Message) => void): Ready | undefined {
    if (!this.node.hasReady()) return undefined;
    const ready = this.node.ready();
    this.#underWay = { ready, term: this.node.status().term };
    for (const message of ready.messagesBeforeSync) send(this.#tamper(message));
    if (this.#options.bug === 'sendBeforeSync') for (const message of ready.messages) send(message);
    return ready;
  }

  /** The disk has answered. */
  finish(send: (message: Message) => void, crashAt?: 'afterSync'): void {
    if (this.#underWay === undefined) return;
    const { ready, term } = this.#underWay;
    this.#underWay = undefined;
    this.#persist(ready, term);
    if (crashAt === 'afterSync') {
      this.crash();
      return;
    }
    if (this.#options.bug !== 'sendBeforeSync') for (const message of ready.messages) send(this.#tamper(message));
    for (const entry of ready.committed) this.#apply(entry);
    for (const read of ready.reads) this.#answer(read.context, read.index);
    this.node.advance();
    const again = this.#options.bug === 'changeOnTopOfSnapshot' && ready.snapshot !== undefined && this.#lastChange;
    if (again) this.node.applyConfigChange(again);
    this.#checkConf();
  }

  /** Raft's configuration is that of the state it has, whatever else it has heard of meanwhile. */
  #checkConf(): void {
    this.#checker?.configured(this.id, this.state.index, this.node.status().conf);
  }

  #persist(ready: Ready, term: Term): void {
    if (ready.snapshot !== undefined) {
      const { meta, data } = ready.snapshot;
      const hash = this.#options.bug === 'keepStateAtSnapshot' ? this.state.hash : Buffer.from(data).toString();
      this.state = { index: meta.index, term: meta.term, conf: meta.conf, hash };
      this.#history = [this.state];
      this.#storage.reset(meta);
      this.#checker?.applied(this.id, meta.index, meta.term, this.state.hash, this.node.status().term);
    }
    const first = ready.entries[0];
    if (first !== undefined) this.#checker?.persisted(this.id, ready.entries, this.#storage.term(first.index - 1));
    this.#storage.append(ready.entries);
    if (ready.hardState !== undefined) {
      this.#hard = this.#options.bug === 'forgetVote' ? { ...ready.hardState, vote: 0n } : ready.hardState;
    }
    if (ready.soft?.role === 'leader') {
      this.#checker?.becameLeader(this.id, term, (index) => this.#storage.term(index));
    }
  }

  #apply(entry: Entry): void {
    const hash = createHash('sha1').update(this.state.hash).update(entry.data).digest('hex');
    const change = entry.type === 'configChange' ? decodeConfigChange(entry.data) : undefined;
    const forgets = change === undefined || (this.#options.bug === 'forgetConfigChange' && this.id === 2n);
    const conf = forgets ? this.state.conf : this.node.applyConfigChange(change);
    if (change !== undefined) this.#lastChange = change;
    this.state = { index: entry.index, term: entry.term, hash, conf };
    this.#history.push(this.state);
    this.#checker?.applied(this.id, entry.index, entry.term, hash, this.node.status().term);
  }

  #answer(context: bigint, index: LogIndex): void {
    const asked = this.#readsAsked.get(context);
    if (asked === undefined) return;
    this.#readsAsked.delete(context);
    this.readsAnswered.push({ context, index });
    this.#checker?.read(this.id, index, asked);
  }

  #tamper(message: Message): Message {
    if (this.#options.bug === 'grantAnyVote' && message.type === 'voteResponse') return { ...message, reject: false };
    return message;
  }
}

function numberOr0(term: Term | 'compacted' | 'unavailable'): Term {
  return typeof term === 'number' ? term : 0;
}

// One member of a test cluster: a node, its disk, and a state machine that is a hash of everything applied.
import { createHash } from 'node:crypto';
import { decodeConfigChange, emptyConf } from '../config-codec.ts';
import { MemoryStorage } from '../memory-storage.ts';
import { createRaftNode } from '../node.ts';
import type { ConfState, Entry, HardState, LogIndex, MemberId, Message, RaftConfig, RaftNode, Ready, Term } from '../types.ts';
import type { Checker } from './checker.ts';

/** Mistakes that a driver or an implementation could make, to see that the checker catches them. */
export type PlantedBug = 'forgetVote' | 'sendBeforeSync' | 'grantAnyVote' | 'readWithoutQuorum';

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
    this.#readsAsked.clear();
  }

  restart(): void {
    this.state = this.#history[0] ?? this.state;
    this.#history = [this.state];
    const from = this.#storage.firstIndex();
    const entries = this.#storage.entries(from, this.#storage.lastIndex() + 1, Number.POSITIVE_INFINITY);
    const base = { index: from - 1, term: numberOr0(this.#storage.term(from - 1)) };
    const kept = entries === 'compacted' ? [] : entries;
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

  /** Does what a Ready asks for, in the documented order; a crash may come in between. Undefined where nothing was ready. */
  process(send: (message: Message) => void, crashAt?: CrashPoint): Ready | undefined {
    if (!this.node.hasReady()) return undefined;
    const ready = this.node.ready();
    for (const message of ready.messagesBeforeSync) send(this.#tamper(message));
    if (this.#options.bug === 'sendBeforeSync') for (const message of ready.messages) send(message);
    if (crashAt === 'beforeSync') {
      this.crash();
      return ready;
    }
    this.#persist(ready);
    if (crashAt === 'afterSync') {
      this.crash();
      return ready;
    }
    if (this.#options.bug !== 'sendBeforeSync') for (const message of ready.messages) send(this.#tamper(message));
    for (const entry of ready.committed) this.#apply(entry);
    for (const read of ready.reads) this.#answer(read.context, read.index);
    this.node.advance();
    return ready;
  }

  #persist(ready: Ready): void {
    if (ready.snapshot !== undefined) {
      const { meta, data } = ready.snapshot;
      this.state = { index: meta.index, term: meta.term, conf: meta.conf, hash: Buffer.from(data).toString() };
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
      const { term } = this.node.status();
      this.#checker?.becameLeader(this.id, term, (index) => this.#storage.term(index));
    }
  }

  #apply(entry: Entry): void {
    const hash = createHash('sha1').update(this.state.hash).update(entry.data).digest('hex');
    const change = entry.type === 'configChange' ? decodeConfigChange(entry.data) : undefined;
    const conf = change === undefined ? this.state.conf : this.node.applyConfigChange(change);
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

// Raft's decisions as log lines, in etcd's words where it has them, for people and tools look for those; the rest is for whoever
// looks closely.
import type { Log } from '@drydock/foundation/log.ts';
import type { TraceEvent } from 'raft-ts/types.ts';

const news: ReadonlySet<string> = new Set(['sendSnapshot', 'restoreSnapshot', 'transferTimedOut', 'secondLeaderInTerm']);

/** Said by Raft itself; undefined where etcd has no words for it. */
function wordsOf(id: string, { name, fields }: TraceEvent): readonly string[] | undefined {
  const { term } = fields;
  switch (name) {
    case 'becomeFollower':
      return [`${id} became follower at term ${term}`];
    case 'becomePreCandidate':
      return [`${id} is starting a new election at term ${term}`, `${id} became pre-candidate at term ${term}`];
    case 'becomeCandidate':
      return [`${id} became candidate at term ${term}`];
    case 'becomeLeader':
      return [`${id} became leader at term ${term}`];
    case 'stepDownWithoutQuorum':
      return [`${id} stepped down to follower since quorum is not active`];
    case 'transferStarted':
      return [`${id} starts to transfer leadership to ${fields.to}`];
    case 'configChanged':
      return [`${id} switched to configuration voters=${decimal(fields.voters)}${outgoing(fields.outgoing)}`];
    default:
      return undefined;
  }
}

/** `a 1f` as `(10 31)`. */
function decimal(ids: unknown): string {
  const list = String(ids ?? '')
    .split(' ')
    .filter((id) => id !== '');
  return `(${list.map((id) => BigInt(`0x${id}`)).join(' ')})`;
}

function outgoing(ids: unknown): string {
  return ids === '' || ids === undefined ? '' : `&&${decimal(ids)}`;
}

/** The leader after an event, in hex; undefined where it says nothing about that. */
function leaderAfter(id: string, { name, fields }: TraceEvent): string | undefined {
  if (name === 'becomeLeader') return id;
  if (name === 'becomeFollower') return String(fields.leader);
  return name === 'becomePreCandidate' || name === 'becomeCandidate' ? none : undefined;
}

const none = '0';

export class TraceLog {
  readonly #log: Log;
  readonly #id: string;
  #leader = none;

  /** `id` in hex is the member's. */
  constructor(log: Log, id: string) {
    this.#log = log;
    this.#id = id;
  }

  write(trace: readonly TraceEvent[]): void {
    for (const event of trace) {
      const words = wordsOf(this.#id, event);
      for (const text of words ?? []) this.#say(text);
      if (words === undefined) {
        const level = news.has(event.name) ? 'info' : 'debug';
        this.#log[level](event.fields, `raft: ${event.name}`);
      }
      this.#follow(event);
    }
  }

  #follow(event: TraceEvent): void {
    const [before, now] = [this.#leader, leaderAfter(this.#id, event) ?? this.#leader];
    if (now === before) return;
    this.#leader = now;
    const at = `at term ${event.fields.term}`;
    if (before === none) this.#say(`raft.node: ${this.#id} elected leader ${now} ${at}`);
    else if (now === none) this.#say(`raft.node: ${this.#id} lost leader ${before} ${at}`);
    else this.#say(`raft.node: ${this.#id} changed leader from ${before} to ${now} ${at}`);
  }

  #say(text: string): void {
    this.#log.info({ logger: 'raft' }, text);
  }
}

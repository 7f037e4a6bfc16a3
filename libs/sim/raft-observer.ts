// A stranger's view of Raft: what members send each other and apply, held against the properties of figure 3.2 of the
// dissertation. Knows nothing of the implementation, and costs little enough to look at everything.
import type { ConfState, Entry, LogIndex, MemberId, Message, Term } from 'raft-ts/types.ts';

/** A promise of the store does not hold. */
export class SafetyViolation extends Error {
  override readonly name = 'SafetyViolation';
}

interface Committed {
  readonly term: Term;
  readonly content: string;
  /** Lowest term in which somebody is known to have applied it. */
  inTerm: Term;
}

interface Known {
  readonly content: string;
  /** Term of the entry before; undefined while nobody has said it. */
  before: Term | undefined;
}

export class RaftObserver {
  readonly #leaders = new Map<Term, MemberId>();
  readonly #votes = new Map<string, MemberId>();
  readonly #entries = new Map<string, Known>();
  readonly #committed = new Map<LogIndex, Committed>();
  readonly #revisions = new Map<LogIndex, number>();
  readonly #confs = new Map<LogIndex, string>();
  #lastCommitted: LogIndex = 0;

  get lastCommitted(): LogIndex {
    return this.#lastCommitted;
  }

  sent(message: Message): void {
    switch (message.type) {
      case 'appendRequest':
        this.#leads(message.from, message.term);
        this.#appended(message.from, message.term, message.prevTerm, message.entries);
        return;
      case 'heartbeatRequest':
      case 'timeoutNow':
        this.#leads(message.from, message.term);
        return;
      case 'voteResponse':
        if (!message.reject) this.#voted(message.from, message.term, message.to);
        return;
      case 'voteRequest':
        this.#voted(message.from, message.term, message.from);
        return;
      default:
    }
  }

  /** `revision` is the store's after the last of the entries. */
  applied(id: MemberId, entries: readonly Entry[], currentTerm: Term, revision: number): void {
    for (const { index, term, type, data } of entries) {
      const content = contentOf(type, data);
      const known = this.#committed.get(index);
      if (known === undefined) {
        this.#committed.set(index, { term, content, inTerm: currentTerm });
        this.#lastCommitted = Math.max(this.#lastCommitted, index);
        continue;
      }
      known.inTerm = Math.min(known.inTerm, currentTerm);
      if (known.term !== term || known.content !== content) {
        throw new SafetyViolation(
          `state machine safety: ${hex(id)} applies another entry ${index} of term ${term} than was applied before, of term ${known.term}`,
        );
      }
    }
    const last = entries.at(-1);
    if (last === undefined) return;
    const before = this.#revisions.get(last.index);
    if (before !== undefined && before !== revision) {
      throw new SafetyViolation(
        `determinism: after entry ${last.index} the revision is ${revision} on ${hex(id)} and ${before} elsewhere`,
      );
    }
    this.#revisions.set(last.index, revision);
  }

  /** Members that have applied the same count the same votes (chapter 4). `conf` is what `id` counts by after entry `index`. */
  configured(id: MemberId, index: LogIndex, conf: ConfState): void {
    const { voters, learners, votersOutgoing, learnersNext } = conf;
    const ours = [voters, learners, votersOutgoing, learnersNext].map((ids) => ids.map(hex).join(' ')).join(' | ');
    const known = this.#confs.get(index);
    if (known === undefined) this.#confs.set(index, ours);
    else if (known !== ours) {
      throw new SafetyViolation(`configuration: after entry ${index} it is ${ours} on ${hex(id)} and ${known} elsewhere`);
    }
  }

  /** Election Safety: at most one leader per term. */
  #leads(id: MemberId, term: Term): void {
    const other = this.#leaders.get(term);
    if (other === undefined) this.#leaders.set(term, id);
    else if (other !== id) throw new SafetyViolation(`election safety: ${hex(other)} and ${hex(id)} both lead term ${term}`);
  }

  /** One vote per member and term, crashes or not (section 3.8). */
  #voted(voter: MemberId, term: Term, candidate: MemberId): void {
    const key = `${voter}@${term}`;
    const other = this.#votes.get(key);
    if (other === undefined) this.#votes.set(key, candidate);
    else if (other !== candidate)
      throw new SafetyViolation(`vote: ${hex(voter)} votes for ${hex(other)} and ${hex(candidate)} in term ${term}`);
  }

  /** Log Matching: same index and term, same content and same entry before. Leader Completeness: it has what was committed earlier. */
  #appended(leader: MemberId, leaderTerm: Term, prevTerm: Term, entries: readonly Entry[]): void {
    let before = prevTerm;
    for (const { index, term, type, data } of entries) {
      const key = `${index}@${term}`;
      const content = contentOf(type, data);
      const known = this.#entries.get(key);
      if (known === undefined) this.#entries.set(key, { content, before });
      else if (known.content !== content || (known.before !== undefined && known.before !== before)) {
        throw new SafetyViolation(
          `log matching: ${hex(leader)} sends another entry ${index} of term ${term}, or another before it`,
        );
      }
      before = term;
      const committed = this.#committed.get(index);
      if (committed !== undefined && committed.inTerm < leaderTerm && committed.term !== term) {
        throw new SafetyViolation(
          `leader completeness: ${hex(leader)}, leader of ${leaderTerm}, has entry ${index} of term ${term}; committed in ${committed.inTerm} was one of ${committed.term}`,
        );
      }
    }
  }
}

function contentOf(type: string, data: Uint8Array): string {
  return type + Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('latin1');
}

function hex(id: MemberId): string {
  return id.toString(16);
}

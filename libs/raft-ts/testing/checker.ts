// A stranger's view of a cluster: the properties of figure 3.2, checked on what members do, not on how. Shares no code with the
// implementation.
import type { ConfState, Entry, LogIndex, MemberId, Term } from '../types.ts';

/** A property of Raft does not hold. */
export class SafetyViolation extends Error {
  override readonly name = 'SafetyViolation';
}

export class Checker {
  readonly #leaders = new Map<Term, MemberId>();
  readonly #entries = new Map<string, string>();
  /** Per applied index: the entry's term, the state's hash after it, and the lowest term in which somebody applied it. */
  readonly #applied = new Map<LogIndex, { term: Term; hash: string; appliedInTerm: Term }>();
  /** The configuration after each index. */
  readonly #confs = new Map<LogIndex, string>();
  maxApplied: LogIndex = 0;

  /** Election Safety: at most one leader per term. Leader Completeness: it has every entry committed in earlier terms. */
  becameLeader(id: MemberId, term: Term, termAt: (index: LogIndex) => Term | 'compacted' | 'unavailable'): void {
    const other = this.#leaders.get(term);
    if (other !== undefined && other !== id) throw new SafetyViolation(`election safety: ${other} and ${id} lead term ${term}`);
    this.#leaders.set(term, id);
    for (const [index, applied] of this.#applied) {
      if (applied.appliedInTerm >= term) continue;
      const ours = termAt(index);
      if (ours !== 'compacted' && ours !== applied.term) {
        throw new SafetyViolation(`leader completeness: leader ${id} of ${term} has ${ours} at ${index}, not ${applied.term}`);
      }
    }
  }

  /** Log Matching: same index and term means same content and same predecessor. */
  persisted(id: MemberId, entries: readonly Entry[], termBefore: Term | 'compacted' | 'unavailable'): void {
    let previous = termBefore;
    for (const entry of entries) {
      const key = `${entry.index}@${entry.term}`;
      const content = `${entry.type} ${Buffer.from(entry.data).toString('hex')} after ${previous}`;
      const known = this.#entries.get(key);
      if (known !== undefined && known !== content) {
        throw new SafetyViolation(`log matching: ${id} has ${key} = ${content}, another has ${known}`);
      }
      this.#entries.set(key, content);
      previous = entry.term;
    }
  }

  /** State Machine Safety: every member is in the same state after the same index. */
  applied(id: MemberId, index: LogIndex, term: Term, hash: string, currentTerm: Term): void {
    const known = this.#applied.get(index);
    if (known !== undefined && known.hash !== hash) {
      throw new SafetyViolation(`state machine safety: ${id} differs after ${index} (term ${term}, before ${known.term})`);
    }
    const appliedInTerm = Math.min(currentTerm, known?.appliedInTerm ?? currentTerm);
    this.#applied.set(index, { term, hash, appliedInTerm });
    this.maxApplied = Math.max(this.maxApplied, index);
  }

  /** What is decided by counting must be counted alike: every member has the same configuration after the same index (chapter 4). */
  configured(id: MemberId, index: LogIndex, conf: ConfState): void {
    const { voters, learners, votersOutgoing, learnersNext, autoLeave } = conf;
    const ours = [voters, learners, votersOutgoing, learnersNext, [autoLeave]].map((part) => part.join(' ')).join(' | ');
    const known = this.#confs.get(index);
    if (known !== undefined && known !== ours) {
      throw new SafetyViolation(`configuration: ${id} has ${ours} after ${index}, another has ${known}`);
    }
    this.#confs.set(index, ours);
  }

  /** Linearizable reads: a read sees everything that anybody had applied before it was asked. */
  read(id: MemberId, index: LogIndex, appliedWhenAsked: LogIndex): void {
    if (index < appliedWhenAsked) {
      throw new SafetyViolation(`read: ${id} was given ${index}, but ${appliedWhenAsked} was applied before it asked`);
    }
  }
}

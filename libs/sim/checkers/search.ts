// The search: an order of all operations, those without an answer included where needed, in which every answer is what the model
// says. Revisions put all answered operations in place. What is left to try is which operation without an answer made a revision
// that no answered one made: a depth-first search over these gaps, with the states that led nowhere remembered, as Wing, Gong and
// Lowe do it over all operations.
import type { History } from '../history/history.ts';
import { Fingerprint } from './fingerprint.ts';
import { type Change, Model } from './model.ts';
import { Observations } from './observations.ts';
import { type Windows, windowsOf } from './real-time.ts';
import { sameContent } from './same.ts';
import type { Loose, Read, Timeline } from './timeline.ts';
import type { Told } from './told.ts';
import { renderOperation, renderResponse, type Violation } from './violation.ts';

/** Steps after which a search gives up without a verdict: some seconds. */
export const searchStepsMax = 5_000_000;
/** States remembered; more are not, which costs time and not soundness. */
const rememberedMax = 1_000_000;

/** `log`: the change of every revision after the base, in order. */
export type SearchResult =
  | { readonly kind: 'found'; readonly log: readonly Change[]; readonly steps: number }
  | { readonly kind: 'none' | 'gaveUp'; readonly violation: Violation; readonly steps: number };

/** A gap, and what has not been tried there. */
interface Choice {
  readonly revision: number;
  readonly candidates: Loose[];
  readonly state: string;
  used: Loose | undefined;
}

export class Search {
  readonly #timeline: Timeline;
  readonly #windows: Windows;
  readonly #observations: Observations;
  readonly #told: Told;
  readonly #model: Model;
  readonly #reads = new Map<number, Read[]>();
  readonly #log: Change[] = [];
  readonly #choices: Choice[] = [];
  readonly #failed = new Set<string>();
  readonly #used = new Set<number>();
  readonly #usedPrint = new Fingerprint();
  readonly #loose: readonly Loose[];
  #steps = 0;
  #deepest = -1;
  #violation: Violation | undefined;

  /** Where nobody knows who made a revision, only what fits to what watches were told is tried. */
  constructor(history: History, timeline: Timeline, told: Told) {
    this.#timeline = timeline;
    this.#windows = windowsOf(timeline);
    this.#observations = new Observations(timeline);
    this.#told = told;
    this.#model = new Model(history.base);
    this.#loose = timeline.loose.toSorted((a, b) => a.from - b.from);
    for (const read of timeline.reads) {
      const at = this.#reads.get(read.contentRevision);
      if (at === undefined) this.#reads.set(read.contentRevision, [read]);
      else at.push(read);
    }
  }

  run(stepsMax = searchStepsMax): SearchResult {
    let alive = this.#readsHold();
    while (alive && this.#model.revision < this.#timeline.last) {
      if (this.#steps > stepsMax) return this.#end('gaveUp');
      alive = this.#advance() || this.#backtrack();
    }
    return alive ? { kind: 'found', log: [...this.#log], steps: this.#steps } : this.#end('none');
  }

  #end(kind: 'none' | 'gaveUp'): SearchResult {
    if (this.#violation === undefined) throw new RangeError('a search ends without a reason');
    return { kind, violation: this.#violation, steps: this.#steps };
  }

  /** One revision further. False: this way leads nowhere, and the model is back at the revision before. */
  #advance(): boolean {
    this.#steps++;
    const revision = this.#model.revision + 1;
    const write = this.#timeline.writes.get(revision);
    if (write === undefined) return this.#enterGap(revision);
    const applied = this.#model.apply(write.request);
    const right = applied?.response !== undefined && applied.change.length > 0 && sameContent(applied.response, write.response);
    if (applied === undefined || !right) {
      const told = applied?.response === undefined ? 'a refusal' : renderResponse(applied.response);
      this.#blame(revision, `#${write.operation.id} was told what no order of the operations explains`, [
        renderOperation(write.operation),
        `expected in the likeliest order: ${told}`,
      ]);
      if (applied !== undefined) this.#model.undo(applied.change);
      return false;
    }
    return this.#keep(applied.change);
  }

  #keep(change: Change): boolean {
    this.#log.push(change);
    if (this.#readsHold()) return true;
    this.#log.pop();
    this.#model.undo(change);
    return false;
  }

  #readsHold(): boolean {
    const { revision } = this.#model;
    for (const read of this.#reads.get(revision) ?? []) {
      this.#steps++;
      const asked = read.request.kind === 'range' ? { ...read.request, revision: 0 } : read.request;
      const applied = this.#model.apply(asked);
      const changed = applied === undefined || applied.change.length > 0;
      if (applied !== undefined && changed) this.#model.undo(applied.change);
      if (!changed && applied.response !== undefined && sameContent(applied.response, read.response)) continue;
      const told = applied?.response === undefined ? 'a refusal' : renderResponse(applied.response);
      this.#blame(revision, `#${read.operation.id} saw what no order of the operations explains`, [
        renderOperation(read.operation),
        `expected in the likeliest order: ${told}`,
      ]);
      return false;
    }
    return true;
  }

  #enterGap(revision: number): boolean {
    const state = `${revision} ${this.#usedPrint} ${this.#model.fingerprint}`;
    if (this.#failed.has(state)) return false;
    this.#choices.push({ revision, candidates: this.#candidates(revision), state, used: undefined });
    return this.#tryNext();
  }

  /** Tries what is left at the newest gap. */
  #tryNext(): boolean {
    const choice = this.#choices.at(-1);
    if (choice === undefined) return false;
    for (let loose = choice.candidates.pop(); loose !== undefined; loose = choice.candidates.pop()) {
      this.#steps++;
      const applied = this.#model.apply(loose.request);
      if (applied === undefined) continue;
      if (!this.#fits(choice.revision, applied.change)) this.#model.undo(applied.change);
      else if (this.#keep(applied.change)) {
        choice.used = loose;
        this.#mark(loose);
        return true;
      }
    }
    this.#choices.pop();
    if (this.#failed.size < rememberedMax) this.#failed.add(choice.state);
    this.#blame(choice.revision, `nobody can have made revision ${choice.revision}`, this.#gapEvidence(choice.revision));
    return false;
  }

  /** Back to the newest gap where something is left to try, and that is tried. */
  #backtrack(): boolean {
    for (let choice = this.#choices.at(-1); choice !== undefined; choice = this.#choices.at(-1)) {
      while (this.#model.revision >= choice.revision) this.#model.undo(this.#log.pop() ?? []);
      if (choice.used !== undefined) this.#mark(choice.used);
      choice.used = undefined;
      if (this.#tryNext()) return true;
    }
    return false;
  }

  #mark(loose: Loose): void {
    if (!this.#used.delete(loose.id)) this.#used.add(loose.id);
    this.#usedPrint.toggleText(String(loose.id));
  }

  /** Last is tried first: those called last before the revision was seen are the likeliest. */
  #candidates(revision: number): Loose[] {
    const index = revision - this.#timeline.first;
    const earliest = this.#windows.earliest[index] ?? 0;
    const latest = this.#windows.latest[index] ?? 0;
    return this.#loose.filter(({ id, from, to }) => from <= latest && to >= earliest && !this.#used.has(id));
  }

  #fits(revision: number, change: Change): boolean {
    if (change.length === 0) return false;
    if (!this.#told.allow(revision, change)) return false;
    return this.#observations.allow(revision, change);
  }

  #gapEvidence(revision: number): string[] {
    const open = this.#candidates(revision);
    const shown = open.slice(-evidenceMax).map(({ text }) => `not it: ${text}`);
    return [
      ...this.#told.describe(revision),
      ...shown,
      ...(open.length > evidenceMax ? [`nor ${open.length - evidenceMax} others`] : []),
    ];
  }

  /** Keeps the reason of the way that led furthest. */
  #blame(revision: number, text: string, evidence: readonly string[]): void {
    if (revision <= this.#deepest) return;
    this.#deepest = revision;
    this.#violation = { guarantee: 'linearizability', text, evidence: [...evidence, ...this.#lately()] };
  }

  /** The revisions just before, as the model has them. */
  #lately(): string[] {
    return this.#log.slice(-evidenceMax).map((change, i, all) => {
      const events = change.map(({ kind, kv }) => (kind === 'put' ? `${kv.key} = ${kv.value}` : `${kv.key} deleted`));
      return `revision ${this.#timeline.first + this.#log.length - all.length + i + 1}: ${events.slice(0, evidenceMax).join(', ')}`;
    });
  }
}

const evidenceMax = 5;

// Linearizability by the plain search of Wing and Gong with Lowe's memory: any operation that was asked before the first open answer
// may be next. It knows nothing of revisions, so it is only for short histories: it is the witness that the quick search is right.
// Lowe, "Testing for linearizability", 2017.
import type { History } from '../history/history.ts';
import type { Micros, Response } from '../history/operation.ts';
import { Model, type ModelRequest } from './model.ts';
import { sameContent } from './same.ts';
import { type Timeline, timelineOf } from './timeline.ts';

interface Step {
  readonly request: ModelRequest;
  readonly from: Micros;
  readonly to: Micros;
  /** Undefined where it need not take place. */
  readonly response: Response | undefined;
}

/** Whether some order explains the history; reads at old revisions are left out. For some dozens of operations. */
export function isLinearizable(history: History): boolean {
  const timeline = timelineOf(history);
  if (timeline.clashes.length > 0) return false;
  return new WingGong(history, stepsOf(timeline)).search();
}

function stepsOf(timeline: Timeline): Step[] {
  const steps: Step[] = [];
  for (const { operation, request, response } of timeline.writes.values()) {
    steps.push({ request, from: operation.invoke, to: operation.return, response });
  }
  for (const { operation, request, response, revision, contentRevision, newest } of timeline.reads) {
    if (revision !== contentRevision) continue;
    steps.push({ request, from: newest ? operation.invoke : 0, to: operation.return, response });
  }
  for (const { request, from, to } of timeline.loose) steps.push({ request, from, to, response: undefined });
  return steps;
}

class WingGong {
  readonly #model: Model;
  readonly #steps: readonly Step[];
  readonly #done: boolean[];
  readonly #failed = new Set<string>();

  constructor(history: History, steps: readonly Step[]) {
    this.#model = new Model(history.base);
    this.#steps = steps;
    this.#done = steps.map(() => false);
  }

  search(): boolean {
    let firstAnswer = Number.POSITIVE_INFINITY;
    for (const [i, { to, response }] of this.#steps.entries()) {
      if (!this.#done[i] && response !== undefined) firstAnswer = Math.min(firstAnswer, to);
    }
    if (firstAnswer === Number.POSITIVE_INFINITY) return true;
    const state = `${this.#done.map(Number).join('')} ${this.#model.revision} ${this.#model.fingerprint}`;
    if (this.#failed.has(state)) return false;
    for (const [i, step] of this.#steps.entries()) {
      if (!this.#done[i] && step.from <= firstAnswer && this.#try(i, step)) return true;
    }
    this.#failed.add(state);
    return false;
  }

  #try(i: number, { request, response, to }: Step): boolean {
    // An optional step that must be over by now: its time is bounded by everything that already took place.
    if (response === undefined && to < this.#latestCall()) return false;
    const applied = this.#model.apply(request);
    if (applied === undefined) return false;
    const told = applied.response;
    const right = response === undefined || (told?.revision === response.revision && sameContent(told, response));
    this.#done[i] = true;
    const found = right && (response !== undefined || applied.change.length > 0) && this.search();
    if (found) return true;
    this.#done[i] = false;
    this.#model.undo(applied.change);
    return false;
  }

  /** No point of time before this is left: the latest call among what took place. */
  #latestCall(): Micros {
    return this.#steps.reduce((latest, { from }, i) => (this.#done[i] ? Math.max(latest, from) : latest), 0);
  }
}

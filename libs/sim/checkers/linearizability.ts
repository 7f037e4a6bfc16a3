// Linearizability of a history of keys: is there an order of the operations, consistent with real time, in which one store that does
// one thing after the other would have given these answers? Reads that may be stale are held against some past state.
import type { History } from '../history/history.ts';
import type { Change } from './model.ts';
import { checkRealTime } from './real-time.ts';
import { Search, searchStepsMax } from './search.ts';
import { timelineOf } from './timeline.ts';
import { Told } from './told.ts';
import type { Violation } from './violation.ts';

export interface Linearization {
  readonly violations: readonly Violation[];
  /** The change of every revision after the base's, where an order was found. */
  readonly log: readonly Change[] | undefined;
  readonly steps: number;
}

export function checkLinearizability(history: History, stepsMax = searchStepsMax): Linearization {
  const timeline = timelineOf(history);
  const violations = [...timeline.clashes, ...checkRealTime(timeline)];
  if (violations.length > 0) return { violations, log: undefined, steps: 0 };
  // What watches were told leads the search to the right order at once, but only operations decide: a wrong watch is for the
  // checker of watches to find.
  // The same for leases: where they can have ended at their time, they did.
  const told = new Told(history.watches);
  const punctual = new Search(history, timelineOf(history, true), told).run(stepsMax);
  if (punctual.kind === 'found') return { violations: [], log: punctual.log, steps: punctual.steps };
  const led = new Search(history, timeline, told).run(stepsMax);
  if (led.kind === 'found') return { violations: [], log: led.log, steps: punctual.steps + led.steps };
  const free = new Search(history, timeline, new Told([])).run(stepsMax);
  const steps = punctual.steps + led.steps + free.steps;
  if (free.kind === 'found') return { violations: [], log: free.log, steps };
  const gaveUp = free.kind === 'gaveUp' ? { guarantee: 'undecided', text: `${free.violation.text} (the search gave up)` } : {};
  return { violations: [{ ...free.violation, ...gaveUp }], log: undefined, steps };
}

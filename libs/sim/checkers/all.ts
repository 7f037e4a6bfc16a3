// All checkers over one history.
import type { History } from '../history/history.ts';
import { checkAgreement } from './agreement.ts';
import { certainOf } from './certain.ts';
import { checkLeases } from './leases.ts';
import { checkLinearizability } from './linearizability.ts';
import { checkLocks } from './locks.ts';
import { searchStepsMax } from './search.ts';
import { checkSpace } from './space.ts';
import type { Violation } from './violation.ts';
import { checkWatches, type Log } from './watches.ts';

export interface Verdict {
  readonly violations: readonly Violation[];
  /** Steps of the search for an order of the operations. */
  readonly steps: number;
}

/** Watches and leases are held against the log that the operations give; without one only what they show among themselves counts. */
export function checkHistory(history: History, stepsMax = searchStepsMax): Verdict {
  const { violations, log, steps } = checkLinearizability(history, stepsMax);
  const found = log && { first: history.base.revision, changes: log };
  const onLog = found ? checkOnLog(history, found) : [];
  return { violations: [...violations, ...checkAgreement(history), ...checkSpace(history), ...onLog], steps };
}

function checkOnLog(history: History, log: Log): Violation[] {
  const certain = certainOf(history, log);
  return [...checkWatches(history, log, certain), ...checkLeases(history, log, certain), ...checkLocks(history, log)];
}

// Holds the history of a run against everything that the store promises.
import { checkHistory } from './checkers/all.ts';
import { render } from './checkers/violation.ts';
import type { History } from './history/history.ts';
import { SafetyViolation } from './raft-observer.ts';

/** What does not hold, with the evidence; undefined where everything does. Where a search gave up nobody knows: that fails too. */
export function judge(history: History): SafetyViolation | undefined {
  const { violations } = checkHistory(history);
  return violations.length === 0 ? undefined : new SafetyViolation(violations.map(render).join('\n'));
}

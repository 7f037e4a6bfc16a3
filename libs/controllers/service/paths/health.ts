// Whether a node takes a load balancer's traffic, by what it answered so far. Pure.

/** What a node that answers no more is given before it counts as ill, in milliseconds: one answer may be lost. */
export const graceMs = 1_000;

/** What was heard of one check. */
export interface Health {
  readonly everWell: boolean;
  /** On the monotonic clock; undefined while it answers well. */
  readonly failingSinceMs: number | undefined;
  readonly verdict: Verdict;
}

/** `unknown`: it has not answered well yet, and has not been asked for long. */
export type Verdict = 'well' | 'ill' | 'unknown';

/** @param askedMs when it was asked, on the monotonic clock. */
export function healthAfter(before: Health | undefined, well: boolean, askedMs: number): Health {
  if (well) return { everWell: true, failingSinceMs: undefined, verdict: 'well' };
  const failingSinceMs = before?.failingSinceMs ?? askedMs;
  const everWell = before?.everWell ?? false;
  const late = askedMs - failingSinceMs >= graceMs;
  return { everWell, failingSinceMs, verdict: late ? 'ill' : everWell ? 'well' : 'unknown' };
}

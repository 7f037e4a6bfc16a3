// What an autoscaler remembers of its last hour: which numbers were recommended, and what was changed. Times are monotonic.

interface Recommendation {
  readonly replicas: number;
  readonly atMs: number;
}

interface Change {
  /** How many pods more, or fewer; never negative. */
  readonly by: number;
  readonly atMs: number;
}

export interface History {
  readonly recommendations: readonly Recommendation[];
  readonly ups: readonly Change[];
  readonly downs: readonly Change[];
  /** A change that may have happened: its answer was lost. */
  readonly unknown: { readonly from: number; readonly to: number; readonly atMs: number } | undefined;
}

/** Nothing is remembered for longer: no window and no period of a policy may be. */
const memoryMs = 3_600_000;

/** Of an autoscaler that is seen for the first time: that its target was as it is counts as recommended. */
export function firstHistory(replicas: number, nowMs: number): History {
  return { recommendations: [{ replicas, atMs: nowMs }], ups: [], downs: [], unknown: undefined };
}

/** A change whose answer was lost counts once the target shows it; `replicas` is what the target is scaled to. */
export function settled(history: History, replicas: number): History {
  const { unknown } = history;
  if (unknown === undefined) return history;
  const known = { ...history, unknown: undefined };
  return unknown.to === replicas ? withChange(known, unknown.from, unknown.to, unknown.atMs) : known;
}

export function withRecommendation(history: History, replicas: number, nowMs: number): History {
  const recent = history.recommendations.filter(({ atMs }) => atMs > nowMs - memoryMs);
  return { ...history, recommendations: [...recent, { replicas, atMs: nowMs }] };
}

export function withChange(history: History, from: number, to: number, nowMs: number): History {
  const recent = (changes: readonly Change[]) => changes.filter(({ atMs }) => atMs > nowMs - memoryMs);
  const change = { by: Math.abs(to - from), atMs: nowMs };
  return to > from
    ? { ...history, ups: [...recent(history.ups), change] }
    : { ...history, downs: [...recent(history.downs), change] };
}

/** How many pods there were `periodMs` ago. */
export function replicasBefore(history: History, replicas: number, periodMs: number, nowMs: number): number {
  const within = (changes: readonly Change[]) =>
    changes.filter(({ atMs }) => atMs > nowMs - periodMs).reduce((sum, { by }) => sum + by, 0);
  return replicas - within(history.ups) + within(history.downs);
}

/** The numbers recommended in the last `windowMs`. */
export function recommendedWithin(history: History, windowMs: number, nowMs: number): number[] {
  return history.recommendations.filter(({ atMs }) => atMs > nowMs - windowMs).map(({ replicas }) => replicas);
}

// Real time against revisions: what had its answer before another was asked comes before it in the order of revisions.
import type { Micros, Operation } from '../history/operation.ts';
import type { Timeline } from './timeline.ts';
import { renderOperation, type Violation } from './violation.ts';

/** When each revision can have been made: after `earliest`, because what comes before it was asked then; before `latest`, when it, or
 *  what comes after it, was answered. Index 0 is the timeline's first revision. */
export interface Windows {
  readonly earliest: readonly Micros[];
  readonly latest: readonly Micros[];
}

interface Order {
  /** In the order of revisions, the write of a revision before its reads. `bound` says whether its call counts for those after it. */
  readonly operation: Operation;
  readonly revision: number;
  readonly write: boolean;
  readonly bound: boolean;
}

function inOrder(timeline: Timeline): Order[] {
  const all: Order[] = timeline.reads.map(({ operation, revision, newest }) => {
    return { operation, revision, write: false, bound: newest };
  });
  for (const [revision, { operation }] of timeline.writes) all.push({ operation, revision, write: true, bound: true });
  return all.sort((a, b) => a.revision - b.revision || Number(b.write) - Number(a.write));
}

/**
 * Operations that were answered before something was asked that their revisions say came first. One report for each that was asked
 * too late, with the one that was answered last before it: the shortest window in which both can be seen.
 */
export function checkRealTime(timeline: Timeline): Violation[] {
  const late = new Map<Operation, Order[]>();
  /** The one asked last among the writes so far and the reads of lower revisions. */
  let before: Operation | undefined;
  let atThisRevision: Operation | undefined;
  let revision = timeline.first;
  const later = (a: Operation | undefined, b: Operation | undefined) => ((a?.invoke ?? -1) >= (b?.invoke ?? -1) ? a : b);
  for (const next of inOrder(timeline)) {
    if (next.revision > revision) {
      before = later(before, atThisRevision);
      atThisRevision = undefined;
      revision = next.revision;
    }
    if (before !== undefined && before.invoke > next.operation.return) late.set(before, [...(late.get(before) ?? []), next]);
    if (next.write) before = later(before, next.operation);
    else if (next.bound) atThisRevision = later(atThisRevision, next.operation);
  }
  return [...late].map(([first, before]) => outOfTime(first, before));
}

function outOfTime(first: Operation, before: readonly Order[]): Violation {
  const { operation, write } = before.reduce((a, b) => (b.operation.return > a.operation.return ? b : a));
  const did = write ? 'made a revision' : 'saw a revision';
  return {
    guarantee: 'linearizability',
    text: `#${operation.id} ${did} that comes after what #${first.id} made or saw, but was answered before #${first.id} was asked`,
    evidence: [
      renderOperation(operation),
      renderOperation(first),
      ...(before.length > 1 ? [`${before.length - 1} others like the first of these`] : []),
    ],
  };
}

export function windowsOf(timeline: Timeline): Windows {
  const size = timeline.last - timeline.first + 1;
  const earliest = new Array<Micros>(size).fill(0);
  const latest = new Array<Micros>(size).fill(Number.POSITIVE_INFINITY);
  for (const { operation, revision, write, bound } of inOrder(timeline)) {
    const index = revision - timeline.first;
    if (index < 0 || index >= size) continue;
    latest[index] = Math.min(latest[index] ?? 0, operation.return);
    // A read comes after the write of its revision and before the write of the next one.
    const after = write ? index : index + 1;
    if (bound && after < size) earliest[after] = Math.max(earliest[after] ?? 0, operation.invoke);
  }
  for (let i = 1; i < size; i++) earliest[i] = Math.max(earliest[i] ?? 0, earliest[i - 1] ?? 0);
  for (let i = size - 2; i >= 0; i--) latest[i] = Math.min(latest[i] ?? 0, latest[i + 1] ?? 0);
  return { earliest, latest };
}

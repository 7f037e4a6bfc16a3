// Which revisions of a log are certain. The log is one that explains all answers, not the only one: where deletions by leases and
// unlocking follow each other and nobody looked between, it may have them the other way round. A revision is certain where an answer
// names it, or where a watch of every key knows all about it.
import type { History } from '../history/history.ts';
import type { Watch } from '../history/watch.ts';
import type { Change } from './model.ts';
import { changes } from './timeline.ts';
import { type Log, startOf } from './watches.ts';

/** By revision. */
export type Certain = (revision: number) => boolean;

export function certainOf(history: History, { first, changes: log }: Log): Certain {
  const locks = history.operations.some(({ request }) => request.kind === 'lock');
  const leases = new Set(log.map(onlyLeaseOf).filter((lease) => lease !== undefined));
  // Only who unlocks, and the ends of two leases, can change places.
  if (!locks && leases.size <= 1) return () => true;
  const certain = new Array<boolean>(log.length + 1).fill(false);
  for (const { outcome } of history.operations) {
    if (outcome.kind === 'ok' && changes(outcome.response)) certain[outcome.response.revision - first] = true;
  }
  const keys = [...new Set(log.flatMap((change) => change.map(({ kv }) => kv.key)))].sort();
  const [lowest = '', highest = ''] = [keys[0], keys.at(-1)];
  for (const watch of history.watches) {
    const { key, end, noPut, noDelete } = watch.request;
    const all = end !== undefined && key <= lowest && (end === '\0' || highest < end) && !noPut && !noDelete;
    const from = startOf(watch);
    if (!all || from === undefined) continue;
    for (let revision = Math.max(first, from); revision <= toldUpTo(watch); revision++) certain[revision - first] = true;
  }
  return (revision) => certain[revision - first] ?? false;
}

/** The lease whose end alone explains the change: nothing but keys of it were deleted. */
export function onlyLeaseOf(change: Change): string | undefined {
  const leases = new Set(change.map(({ kind, previous }) => (kind === 'delete' ? (previous?.lease ?? '0') : '0')));
  const [lease] = leases;
  return leases.size === 1 && lease !== '0' ? lease : undefined;
}

function toldUpTo({ responses }: Watch): number {
  let to = 0;
  for (const { kind, revision, events, fragment } of responses) {
    if (kind === 'progress') to = Math.max(to, revision);
    else if (!fragment) to = Math.max(to, events.at(-1)?.kv.modRevision ?? 0);
  }
  return to;
}

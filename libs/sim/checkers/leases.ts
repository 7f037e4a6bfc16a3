// Leases: none ends before its time, by the monotonic clock of the history, and none outlives its revocation.
import type { History } from '../history/history.ts';
import {
  inRange,
  keyOfLock,
  type Micros,
  type Operation,
  type Request,
  type Response,
  type TxnOp,
} from '../history/operation.ts';
import { type Certain, onlyLeaseOf } from './certain.ts';
import { changes, leaseToleranceMicros } from './timeline.ts';
import { renderOperation, seconds, type Violation } from './violation.ts';
import type { Log } from './watches.ts';

const secondMicros = 1_000_000;
const leaseNotFound = /lease not found/;

interface LeaseStory {
  readonly lease: string;
  /** Grants and renewals that were answered with a time. */
  readonly renewals: Operation[];
  /** Revocations, whatever their outcome. */
  readonly revokes: Operation[];
  /** Answers that there is no such lease. */
  readonly gone: Operation[];
  /** Answers that show it alive: a key under it, a put with it. */
  readonly alive: Operation[];
}

export function checkLeases(history: History, log: Log, certain: Certain): Violation[] {
  const stories = storiesOf(history);
  const ends = endsOf(history, log, certain);
  return [...stories.values()].flatMap((story) => [...checkEarly(story, ends.get(story.lease) ?? []), ...checkRevoked(story)]);
}

/** Stories of leases that were granted once in this history: an id that comes back is another lease. */
function storiesOf(history: History): Map<string, LeaseStory> {
  const stories = new Map<string, LeaseStory>();
  const story = (lease: string): LeaseStory => {
    const known = stories.get(lease) ?? { lease, renewals: [], revokes: [], gone: [], alive: [] };
    stories.set(lease, known);
    return known;
  };
  const grants = new Map<string, number>();
  for (const operation of history.operations) {
    const { request, outcome } = operation;
    if (request.kind === 'leaseRevoke') story(request.lease).revokes.push(operation);
    if (request.kind === 'leaseGrant') {
      const id = outcome.kind === 'ok' && 'lease' in outcome.response ? outcome.response.lease : request.lease;
      grants.set(id, (grants.get(id) ?? 0) + 1);
    }
    if (outcome.kind === 'failed' && leaseNotFound.test(outcome.error)) {
      const asked = 'lease' in request ? request.lease : undefined;
      if (asked !== undefined) story(asked).gone.push(operation);
    }
    if (outcome.kind !== 'ok') continue;
    const { response } = outcome;
    if ('lease' in response && response.kind !== 'leaseRevoke') {
      if (response.ttlSeconds <= 0) story(response.lease).gone.push(operation);
      else if (response.kind === 'leaseTimeToLive') story(response.lease).alive.push(operation);
      else story(response.lease).renewals.push(operation);
    }
    for (const lease of leasesShown(operation, response)) story(lease).alive.push(operation);
  }
  for (const [lease, count] of grants) if (count > 1) stories.delete(lease);
  return stories;
}

/** Leases that an answer shows in use at the newest revision. */
function leasesShown({ request }: Operation, response: Response): string[] {
  if (request.kind === 'range' && !request.serializable && !request.revision && response.kind === 'range') {
    return response.kvs.map(({ lease }) => lease).filter((lease) => lease !== '0');
  }
  const puts: TxnOp[] = request.kind === 'put' ? [request] : [];
  if (request.kind === 'txn' && response.kind === 'txn') puts.push(...(response.succeeded ? request.success : request.failure));
  return puts.flatMap((op) => (op.kind === 'put' && op.lease !== undefined && op.lease !== '0' ? [op.lease] : []));
}

/** When somebody first knew of each revision: it had been made by then. Index 0 is the log's first revision. */
function seenAt(history: History, log: Log): Micros[] {
  const seen = new Array<Micros>(log.changes.length + 1).fill(Number.POSITIVE_INFINITY);
  const see = (revision: number, time: Micros) => {
    const index = Math.min(revision - log.first, log.changes.length);
    if (index >= 0) seen[index] = Math.min(seen[index] ?? time, time);
  };
  for (const { outcome, return: time } of history.operations) if (outcome.kind === 'ok') see(outcome.response.revision, time);
  for (const { responses } of history.watches) for (const { revision, time } of responses) see(revision, time);
  for (let i = seen.length - 2; i >= 0; i--) seen[i] = Math.min(seen[i] ?? 0, seen[i + 1] ?? 0);
  return seen;
}

/** A revision that only the end of a lease explains, seen at `time` at the latest. */
interface End {
  readonly revision: number;
  readonly time: Micros;
}

/** Revisions that deleted keys of one lease and nothing else, where no operation can have done it. */
function endsOf(history: History, log: Log, certain: Certain): Map<string, End[]> {
  const seen = seenAt(history, log);
  const answered = new Set(
    history.operations.flatMap(({ outcome }) => (outcome.kind === 'ok' ? writtenBy(outcome.response) : [])),
  );
  const unknown = history.operations.filter(({ outcome, request }) => {
    return outcome.kind === 'unknown' || (outcome.kind === 'ok' && request.kind === 'unlock');
  });
  const revokes = history.operations.filter(({ request }) => request.kind === 'leaseRevoke');
  const ends = new Map<string, End[]>();
  for (const [i, change] of log.changes.entries()) {
    const revision = log.first + 1 + i;
    const lease = onlyLeaseOf(change);
    if (lease === undefined || answered.has(revision) || !certain(revision)) continue;
    const time = seen[i + 1] ?? 0;
    const keys = change.map(({ kv }) => kv.key);
    if (unknown.some(({ request, invoke }) => invoke < time && keys.every((key) => mayDelete(request, key)))) continue;
    // The log is one that explains the answers, not the only one: deletions that nobody looked between may be the other way round.
    if (revokes.some((revoke) => revoke.invoke < time && mayHaveMade(revoke, revision))) continue;
    ends.set(lease, [...(ends.get(lease) ?? []), { revision, time }]);
  }
  return ends;
}

/** Whether a revocation that was asked for in time can have been the one that made the revision. */
function mayHaveMade({ outcome }: Operation, revision: number): boolean {
  if (outcome.kind === 'ok') return outcome.response.revision >= revision;
  return outcome.kind === 'unknown';
}

function writtenBy(response: Response): number[] {
  return changes(response) ? [response.revision] : [];
}

function mayDelete(request: Request, key: string): boolean {
  if (request.kind === 'txn') return [...request.success, ...request.failure].some((op) => mayDelete(op, key));
  if (request.kind === 'unlock') return request.key === key;
  if (request.kind === 'lock') return keyOfLock(request) === key;
  return request.kind === 'delete' && inRange(key, request.key, request.end);
}

/** Renewed at the earliest when it was asked, it lasts its time from there: whoever saw it ended before then, saw it too early. */
function checkEarly(story: LeaseStory, ends: readonly End[]): Violation[] {
  // Before its grant there was no such lease, and that is no end.
  const known = Math.min(...story.renewals.map((operation) => operation.return));
  const evidence = [
    ...ends.map(({ revision, time }) => ({ time, text: `revision ${revision}, its end, was seen at ${seconds(time)}` })),
    ...story.gone
      .filter(({ invoke }) => invoke > known)
      .map((operation) => ({ time: operation.return, text: renderOperation(operation) })),
  ];
  return evidence.flatMap(({ time, text }) => {
    if (story.revokes.some(({ invoke }) => invoke < time)) return [];
    const renewal = story.renewals.find((each) => lastsUntil(each) - leaseToleranceMicros > time);
    if (renewal === undefined) return [];
    const what = `lease ${story.lease} ended before ${seconds(lastsUntil(renewal))}, until when it was renewed`;
    return [{ guarantee: 'leases', text: what, evidence: [renderOperation(renewal), text] }];
  });
}

function lastsUntil({ invoke, outcome }: Operation): Micros {
  const ttl = outcome.kind === 'ok' && 'ttlSeconds' in outcome.response ? outcome.response.ttlSeconds : 0;
  return invoke + ttl * secondMicros;
}

function checkRevoked({ lease, revokes, renewals, alive }: LeaseStory): Violation[] {
  const done = revokes.filter(({ outcome }) => outcome.kind === 'ok').map((operation) => operation.return);
  const first = Math.min(...done);
  const after = [...renewals, ...alive].find(({ invoke }) => invoke > first);
  const revoke = revokes.find((operation) => operation.return === first);
  if (after === undefined || revoke === undefined) return [];
  const evidence = [renderOperation(revoke), renderOperation(after)];
  return [{ guarantee: 'leases', text: `lease ${lease} lives after its revocation`, evidence }];
}

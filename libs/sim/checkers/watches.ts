// etcd's guarantees for watches, held against the log of changes: ordered, unique, reliable, atomic, resumable, bookmarkable; with them
// the filters and the key-values before. https://etcd.io/docs/v3.6/learning/api_guarantees
import type { History } from '../history/history.ts';
import { inRange, type Micros, type Operation } from '../history/operation.ts';
import type { Watch, WatchEvent, WatchResponse } from '../history/watch.ts';
import type { Certain } from './certain.ts';
import type { Change } from './model.ts';
import { sameEvent, sameKv } from './same.ts';
import { renderKv, seconds, type Violation } from './violation.ts';

/** The log: `changes[i]` is revision `first + 1 + i`. */
export interface Log {
  readonly first: number;
  readonly changes: readonly Change[];
}

/** `certain`: of which revisions the log is the only one that explains all answers. */
export function checkWatches(history: History, log: Log, certain: Certain): Violation[] {
  const compactions = history.operations.filter(({ request }) => request.kind === 'compact');
  const asked = askedAt(history);
  return history.watches.flatMap((watch) => [
    ...checkForm(watch),
    ...checkContent(watch, log),
    ...checkPrevious(watch, log, history, compactions, certain),
    ...checkCancel(watch, history, compactions),
    ...checkTime(watch, asked),
  ]);
}

const nameOf = (watch: Watch) => {
  const { key, end, startRevision } = watch.request;
  return `watch ${watch.id} of ${watch.client} on ${end === undefined ? key : `[${key}, ${end})`} from revision ${startRevision}`;
};

const show = ({ kind, kv }: WatchEvent) => (kind === 'put' ? `put ${renderKv(kv)}` : `delete ${kv.key} at ${kv.modRevision}`);

function problem(
  watch: Watch,
  guarantee: string,
  text: string,
  at: WatchResponse,
  evidence: readonly string[] = [],
): Violation {
  const told = at.events.slice(0, eventsShownMax).map(show).join(', ');
  const response = `${at.kind} at ${seconds(at.time)}, revision ${at.revision}${told && `: ${told}`}`;
  return { guarantee: `watch ${guarantee}`, text: `${nameOf(watch)}: ${text}`, evidence: [response, ...evidence] };
}

const eventsShownMax = 5;

/** What one stream shows by itself: order, uniqueness, whole revisions, bookmarks. */
function checkForm(watch: Watch): Violation[] {
  const violations: Violation[] = [];
  const add = (guarantee: string, text: string, at: WatchResponse) => violations.push(problem(watch, guarantee, text, at));
  let last = 0;
  let bookmark = 0;
  let open = false;
  let ended = false;
  for (const [i, response] of watch.responses.entries()) {
    if (ended) add('form', 'a response after the cancellation', response);
    if ((response.kind === 'created') !== (i === 0) && response.kind !== 'canceled')
      add('form', 'creation comes first, once', response);
    if (response.kind === 'canceled') ended = true;
    const seen = new Set<string>();
    for (const { kv } of response.events) {
      const { modRevision: revision } = kv;
      if (revision < last) add('ordered', `an event of revision ${revision} after one of ${last}`, response);
      else if (revision === last && !open && seen.size === 0)
        add('atomic', `revision ${revision} comes in two responses`, response);
      if (revision <= bookmark)
        add('bookmarkable', `an event of revision ${revision} after a bookmark at ${bookmark}`, response);
      if (revision < watch.request.startRevision)
        add('resumable', `an event of revision ${revision}, before the start`, response);
      if (revision > response.revision)
        add('form', `an event of revision ${revision} under a header of ${response.revision}`, response);
      if (seen.has(`${revision} ${kv.key}`)) add('unique', `revision ${revision} of ${kv.key} comes twice`, response);
      seen.add(`${revision} ${kv.key}`);
      last = Math.max(last, revision);
    }
    open = response.fragment === true;
    if (response.kind === 'progress') {
      if (response.revision < bookmark)
        add('bookmarkable', `a bookmark at ${response.revision} after one at ${bookmark}`, response);
      bookmark = Math.max(bookmark, response.revision);
    }
  }
  return violations;
}

/** The first revision that the watch must be told of; undefined where it was never created. */
export function startOf(watch: Watch): number | undefined {
  const [created] = watch.responses;
  if (created?.kind !== 'created') return undefined;
  return watch.request.startRevision > 0 ? watch.request.startRevision : created.revision + 1;
}

export function wanted({ request }: Watch, { kind, kv }: WatchEvent): boolean {
  if (kind === 'put' ? request.noPut : request.noDelete) return false;
  return inRange(kv.key, request.key, request.end);
}

/** Up to what it was last told: all of it, and nothing else. */
function checkContent(watch: Watch, log: Log): Violation[] {
  const start = startOf(watch);
  if (start === undefined) return [];
  let next = Math.max(start, log.first + 1);
  const expectedUntil = function* (revision: number): Generator<WatchEvent> {
    for (; next <= revision; next++) {
      yield* (log.changes[next - log.first - 1] ?? []).filter((event) => wanted(watch, event));
    }
  };
  // Told in fragments of a revision whose last fragment has not come.
  let told: WatchEvent[] = [];
  for (const response of watch.responses) {
    told.push(...response.events.filter(({ kv }) => kv.modRevision > log.first));
    if (response.fragment) continue;
    const until = response.kind === 'progress' ? response.revision : (response.events.at(-1)?.kv.modRevision ?? 0);
    const violation = compare(watch, response, told, [...expectedUntil(until)]);
    if (violation !== undefined) return [violation];
    told = [];
  }
  return [];
}

function compare(
  watch: Watch,
  at: WatchResponse,
  told: readonly WatchEvent[],
  expected: readonly WatchEvent[],
): Violation | undefined {
  for (let i = 0; i < Math.max(told.length, expected.length); i++) {
    const [is, should] = [told[i], expected[i]];
    if (is !== undefined && should !== undefined && sameEvent(is, should)) continue;
    const missing = should !== undefined && (is === undefined || is.kv.modRevision > should.kv.modRevision);
    const evidence = [
      `told: ${is === undefined ? 'nothing more' : show(is)}`,
      `the log has: ${should ? show(should) : 'nothing more'}`,
    ];
    if (missing) return problem(watch, 'reliable', `an event of revision ${should.kv.modRevision} is missing`, at, evidence);
    return problem(watch, 'reliable', `an event of revision ${is?.kv.modRevision} that is not in the log`, at, evidence);
  }
  return undefined;
}

/** A key-value before may be missing only where it can have been compacted. */
function checkPrevious(
  watch: Watch,
  log: Log,
  { base }: History,
  compactions: readonly Operation[],
  certain: Certain,
): Violation[] {
  for (const response of watch.responses) {
    for (const event of response.events) {
      const change = log.changes[event.kv.modRevision - log.first - 1];
      const truth = change?.find((each) => sameEvent(each, event));
      if (truth === undefined) continue;
      const should = watch.request.prevKv ? truth.previous : undefined;
      if (sameKv(event.previous, should)) continue;
      const gone = compactions.some(({ request, invoke }) => {
        return request.kind === 'compact' && request.revision >= event.kv.modRevision - 1 && invoke < response.time;
      });
      if (event.previous === undefined && (gone || base.compactsItself)) continue;
      if (isOtherOrder(event.previous, should, certain)) continue;
      const kv = (value: WatchEvent['previous']) => (value === undefined ? 'none' : renderKv(value));
      const evidence = [`told: ${kv(event.previous)}`, `the log has: ${kv(should)}`];
      return [problem(watch, 'prev_kv', `the key-value before revision ${event.kv.modRevision} is wrong`, response, evidence)];
    }
  }
  return [];
}

/** The same but for its revisions, of which the log's is one of several that explain all answers (`certain.ts`). */
function isOtherOrder(told: WatchEvent['previous'], should: WatchEvent['previous'], certain: Certain): boolean {
  if (told === undefined || should === undefined || certain(should.modRevision)) return false;
  const { createRevision, modRevision } = should;
  return sameKv({ ...told, createRevision, modRevision }, should);
}

/** Refused as compacted: only where somebody had asked for such a compaction. */
function checkCancel(watch: Watch, { base }: History, compactions: readonly Operation[]): Violation[] {
  const end = watch.responses.find(({ kind, compactRevision }) => kind === 'canceled' && (compactRevision ?? 0) > 0);
  if (end?.compactRevision === undefined) return [];
  const { compactRevision } = end;
  const known = compactions.some(({ request, invoke }) => {
    return request.kind === 'compact' && request.revision === compactRevision && invoke < end.time;
  });
  if (!known && compactRevision !== base.compactRevision && !base.compactsItself) {
    return [problem(watch, 'cancel', `compacted at ${compactRevision}, which nobody asked for`, end)];
  }
  const told = watch.responses.flatMap(({ events }) => events.map(({ kv }) => kv.modRevision));
  const next = Math.max(startOf(watch) ?? watch.request.startRevision, (told.at(-1) ?? 0) + 1);
  return next > compactRevision
    ? [problem(watch, 'cancel', `compacted at ${compactRevision}, but it needs ${next} next`, end)]
    : [];
}

/** When the write of each revision was asked for, where its answer tells. */
function askedAt(history: History): Map<number, Operation> {
  const asked = new Map<number, Operation>();
  for (const operation of history.operations) {
    const { outcome } = operation;
    if (outcome.kind !== 'ok') continue;
    const { response } = outcome;
    const wrote = response.kind === 'put' || (response.kind === 'delete' && response.deleted > 0);
    const txn = response.kind === 'txn' && response.responses.some(({ kind }) => kind === 'put');
    if (wrote || txn) asked.set(response.revision, operation);
  }
  return asked;
}

function checkTime(watch: Watch, asked: ReadonlyMap<number, { readonly invoke: Micros; readonly id: number }>): Violation[] {
  for (const response of watch.responses) {
    for (const { kv } of response.events) {
      const write = asked.get(kv.modRevision);
      if (write !== undefined && write.invoke > response.time) {
        return [
          problem(
            watch,
            'reliable',
            `told of revision ${kv.modRevision} before #${write.id}, which made it, was asked`,
            response,
          ),
        ];
      }
    }
  }
  return [];
}

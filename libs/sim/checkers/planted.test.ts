// Every checker is shown histories that are right, which must pass, and the same with one thing broken, which must not.
import { SeededRandom } from '@drydock/foundation/random.ts';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { History } from '../history/history.ts';
import type { Operation } from '../history/operation.ts';
import type { Watch, WatchEvent, WatchResponse } from '../history/watch.ts';
import { checkHistory } from './all.ts';
import { Reference, type ReferenceOptions } from './testing/reference.ts';
import { render } from './violation.ts';

const options: ReferenceOptions = { operations: 300, clients: 5, keys: 4, unknown: 0.05, watches: 4, leases: true };

function reference(seed: number): History {
  return new Reference(new SeededRandom(seed).stream('reference'), options).run();
}

const verdict = (history: History) => checkHistory(history, 200_000).violations.map(render).join('\n');

test('histories of the reference pass all checkers', { timeout: 60_000 }, () => {
  fc.assert(
    fc.property(fc.integer(), (seed) => {
      expect(verdict(reference(seed))).toBe('');
    }),
    { numRuns: 50 },
  );
});

/** The first operation that `change` changes, changed. */
function inOperation(
  history: History,
  change: (operation: Operation, all: readonly Operation[]) => Operation | undefined,
): History {
  const operations = [...history.operations];
  for (const [i, operation] of operations.entries()) {
    // Something must have happened before, so that there is something to get wrong.
    if (i < operations.length / 3) continue;
    const changed = change(operation, history.operations);
    if (changed === undefined) continue;
    operations[i] = changed;
    return { ...history, operations };
  }
  throw new RangeError('nothing to break');
}

/** Response `index` of the first watch for which `change` gives responses in its place. */
function inWatch(
  history: History,
  change: (response: WatchResponse, watch: Watch, index: number) => readonly WatchResponse[] | undefined,
): History {
  for (const watch of history.watches) {
    for (const [i, response] of watch.responses.entries()) {
      const changed = i > 1 && i < watch.responses.length - 1 ? change(response, watch, i) : undefined;
      if (changed === undefined) continue;
      const responses = watch.responses.toSpliced(i, 1, ...changed);
      return { ...history, watches: history.watches.map((each) => (each === watch ? { ...watch, responses } : each)) };
    }
  }
  throw new RangeError('nothing to break');
}

const firstEvent = (response: WatchResponse, change: (event: WatchEvent) => WatchEvent): WatchResponse[] | undefined => {
  const [event, ...rest] = response.events;
  return event === undefined ? undefined : [{ ...response, events: [change(event), ...rest] }];
};

const revisionOf = ({ outcome }: Operation) => (outcome.kind === 'ok' ? outcome.response.revision : undefined);

/** Name, what must be reported, how it is broken. */
const planted: readonly (readonly [string, RegExp, (history: History) => History])[] = [
  [
    'a read does not see an acknowledged write',
    /linearizability/,
    (history) =>
      inOperation(history, (operation) => {
        const { request, outcome } = operation;
        if (request.kind !== 'range' || request.serializable || request.revision || outcome.kind !== 'ok') return undefined;
        const { response } = outcome;
        if (response.kind !== 'range' || response.kvs.length !== 1 || response.count !== 1) return undefined;
        return { ...operation, outcome: { kind: 'ok', response: { ...response, kvs: [], count: 0 } } };
      }),
  ],
  [
    'a linearizable read is answered from the past',
    /linearizability/,
    (history) =>
      inOperation(history, (operation, all) => {
        const revision = revisionOf(operation);
        const { request, outcome } = operation;
        if (request.kind !== 'range' || request.serializable || request.revision || outcome.kind !== 'ok') return undefined;
        const before = all.findLast(({ return: end }) => end < operation.invoke);
        if (before === undefined || revision === undefined || revisionOf(before) !== revision) return undefined;
        const response = { ...outcome.response, revision: revision - 1 };
        return revision > 2 ? { ...operation, outcome: { kind: 'ok', response } } : undefined;
      }),
  ],
  [
    'a value of the future',
    /linearizability/,
    (history) =>
      inOperation(history, (operation) => {
        const { outcome } = operation;
        if (outcome.kind !== 'ok' || outcome.response.kind !== 'range') return undefined;
        const [kv, ...rest] = outcome.response.kvs;
        if (kv === undefined) return undefined;
        const response = { ...outcome.response, kvs: [{ ...kv, value: 'never written' }, ...rest] };
        return { ...operation, outcome: { kind: 'ok', response } };
      }),
  ],
  [
    'the record of an acknowledged write is missing',
    /linearizability/,
    (history) => {
      const write = history.operations.find(({ request, outcome }) => request.kind === 'put' && outcome.kind === 'ok');
      return { ...history, operations: history.operations.filter((operation) => operation !== write) };
    },
  ],
  [
    'two writes have one revision',
    /revisions: two operations/,
    (history) =>
      inOperation(history, (operation, all) => {
        const { outcome } = operation;
        const other = all.find(
          (each) => each.request.kind === 'put' && each.id < operation.id && revisionOf(each) !== undefined,
        );
        const revision = other && revisionOf(other);
        if (operation.request.kind !== 'put' || outcome.kind !== 'ok' || revision === undefined) return undefined;
        return { ...operation, outcome: { kind: 'ok', response: { ...outcome.response, revision } } };
      }),
  ],
  [
    'a transaction takes the wrong branch',
    /linearizability/,
    (history) =>
      inOperation(history, (operation) => {
        const { request, outcome } = operation;
        if (request.kind !== 'txn' || outcome.kind !== 'ok') return undefined;
        if (outcome.response.kind !== 'txn' || !outcome.response.succeeded) return undefined;
        return { ...operation, request: { ...request, compare: [{ key: 'none', target: 'version', is: '>', to: '0' }] } };
      }),
  ],
  [
    'a watch event is dropped',
    /watch reliable: .* is missing/,
    (history) => inWatch(history, ({ kind }) => (kind === 'events' ? [] : undefined)),
  ],
  [
    'a watch event is told twice',
    /watch (atomic|unique|ordered)/,
    (history) => inWatch(history, (response) => (response.kind === 'events' ? [response, response] : undefined)),
  ],
  [
    'a response with one event twice',
    /watch unique/,
    (history) =>
      inWatch(history, (response) => {
        const [event] = response.events;
        return event && [{ ...response, events: [event, ...response.events] }];
      }),
  ],
  [
    'watch events change places',
    /watch ordered/,
    (history) =>
      inWatch(history, (response) => {
        const [a, b, ...rest] = response.events;
        if (a === undefined || b === undefined || a.kv.modRevision === b.kv.modRevision) return undefined;
        return [{ ...response, events: [b, a, ...rest] }];
      }),
  ],
  [
    'a revision is torn in two responses',
    /watch atomic/,
    (history) =>
      inWatch(history, (response) => {
        const [a, b] = response.events;
        if (a?.kv.modRevision !== b?.kv.modRevision || a === undefined) return undefined;
        return [
          { ...response, events: [a] },
          { ...response, events: response.events.slice(1) },
        ];
      }),
  ],
  [
    'a bookmark before its events',
    /watch (bookmarkable|reliable)/,
    (history) =>
      inWatch(history, (response) => {
        if (response.kind !== 'events') return undefined;
        return [{ time: response.time, kind: 'progress', revision: response.revision, events: [] }, response];
      }),
  ],
  [
    'a watch is told what never happened',
    /watch reliable|two watches/,
    (history) =>
      inWatch(history, (response) => firstEvent(response, ({ kind, kv }) => ({ kind, kv: { ...kv, key: `${kv.key}-not` } }))),
  ],
  [
    'events from before the start',
    /watch resumable/,
    (history) => ({
      ...history,
      watches: history.watches.map((watch) => ({ ...watch, request: { ...watch.request, startRevision: 50 } })),
    }),
  ],
  [
    'the key-value before is of an older revision',
    /watch prev_kv/,
    (history) =>
      inWatch(history, (response) => {
        const { previous } = response.events[0] ?? {};
        if (previous === undefined) return undefined;
        return firstEvent(response, (event) => ({ ...event, previous: { ...previous, version: previous.version + 1 } }));
      }),
  ],
  [
    'the key-value before is missing',
    /watch prev_kv/,
    (history) =>
      inWatch(history, (response) => {
        if (response.events[0]?.previous === undefined) return undefined;
        return firstEvent(response, ({ kind, kv }) => ({ kind, kv }));
      }),
  ],
  [
    'a filter is not honoured',
    /watch reliable: .* not in the log/,
    (history) => ({
      ...history,
      watches: history.watches.map((watch) => ({ ...watch, request: { ...watch.request, noPut: true } })),
    }),
  ],
  [
    'an event before its write was asked for',
    /watch reliable: .* before #/,
    (history) => inWatch(history, (response) => (response.kind === 'events' ? [{ ...response, time: 1 }] : undefined)),
  ],
  [
    'compacted, which nobody asked for',
    /watch cancel/,
    (history) =>
      inWatch(history, ({ time, revision }) => [{ time, kind: 'canceled', revision, events: [], compactRevision: 77 }]),
  ],
];

describe('planted bugs', () => {
  test.each(planted)('%s', (_, expected, broken) => {
    // Several histories: none of them may hide it.
    for (const seed of [1, 2, 3]) expect(verdict(broken(reference(seed)))).toMatch(expected);
  });
});

import { expect, test } from 'vitest';
import { emptyHistory, type History } from '../history/history.ts';
import type { KeyValue, Operation, Request, Response } from '../history/operation.ts';
import type { Watch, WatchEvent } from '../history/watch.ts';
import { checkHistory } from './all.ts';
import { render } from './violation.ts';

let id = 0;
const op = (from: number, to: number, request: Request, response: Response): Operation => {
  return { id: id++, client: `c${id}`, invoke: from, return: to, request, outcome: { kind: 'ok', response } };
};
const lock = (lease: string, from: number, to: number, revision: number): Operation =>
  op(from, to, { kind: 'lock', name: 'lock', lease }, { kind: 'lock', revision, key: `lock/${lease}` });
const unlock = (lease: string, from: number, to: number, revision: number): Operation =>
  op(from, to, { kind: 'unlock', key: `lock/${lease}` }, { kind: 'unlock', revision });

const kv = (lease: string, revision: number): KeyValue => {
  return { key: `lock/${lease}`, value: '', createRevision: revision, modRevision: revision, version: 1, lease };
};
const put = (lease: string, revision: number): WatchEvent => ({ kind: 'put', kv: kv(lease, revision) });
const gone = (lease: string, revision: number): WatchEvent => {
  return { kind: 'delete', kv: { ...kv(lease, revision), createRevision: 0, version: 0, lease: '0' } };
};

/** Who watches everything from the beginning. */
function witness(...events: WatchEvent[]): Watch {
  const request = {
    key: 'a',
    end: '\0',
    startRevision: 1,
    prevKv: false,
    noPut: false,
    noDelete: false,
    progressNotify: false,
  };
  const told = events.map((event) => {
    return { time: 1_000_000, kind: 'events' as const, revision: event.kv.modRevision, events: [event] };
  });
  return {
    id: 0,
    client: 'w',
    invoke: 0,
    request,
    responses: [{ time: 1, kind: 'created', revision: 1, events: [] }, ...told],
  };
}

const verdict = (history: Partial<History>): string =>
  checkHistory({ ...emptyHistory, ...history })
    .violations.map(render)
    .join('\n');

test('one after the other is right', () => {
  const operations = [lock('1', 1, 10, 2), lock('2', 2, 40, 4), unlock('1', 20, 30, 4)];
  expect(verdict({ operations, watches: [witness(put('1', 2), put('2', 3), gone('1', 4))] })).toBe('');
});

test('two at one revision are reported', () => {
  const operations = [lock('1', 1, 10, 2), lock('2', 2, 15, 3), unlock('1', 20, 30, 4)];
  const watches = [witness(put('1', 2), put('2', 3), gone('1', 4))];
  expect(verdict({ operations, watches })).toMatch(/locks: #\d+ was told to hold lock at revision 3, when lock\/1 held it/);
  // Without a witness the log may have them in another order.
  expect(verdict({ operations })).not.toMatch(/locks/);
});

test('a lock whose key is gone is reported', () => {
  const operations = [lock('1', 1, 40, 3), unlock('1', 20, 30, 3)];
  const watches = [witness(put('1', 2), gone('1', 3))];
  expect(verdict({ operations, watches })).toMatch(/locks: .* when its key was not there/);
});

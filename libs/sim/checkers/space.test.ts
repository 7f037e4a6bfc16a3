import { expect, test } from 'vitest';
import { emptyHistory, type SpaceReport } from '../history/history.ts';
import type { Operation, Outcome } from '../history/operation.ts';
import { checkSpace } from './space.ts';

const full = (invoke: number, time: number): SpaceReport => ({ kind: 'full', invoke, time, full: true });
const disarm = (invoke: number, time: number, certain = true): SpaceReport => ({ kind: 'disarm', invoke, time, certain });
const taken: Outcome = { kind: 'ok', response: { kind: 'put', revision: 2 } };
const put = (invoke: number, end: number): Operation => {
  return { id: 1, client: 'c', invoke, return: end, request: { kind: 'put', key: 'k', value: '1' }, outcome: taken };
};
const texts = (operation: Operation, ...space: SpaceReport[]) =>
  checkSpace({ ...emptyHistory, operations: [operation], space }).map(({ text }) => text);

test('nothing is taken while the alarm is known to be there', () => {
  const space = [full(10, 20), disarm(50, 60), full(70, 80)];
  expect(texts(put(30, 40), ...space)).toEqual([expect.stringMatching(/acknowledged while there was a NOSPACE alarm/)]);
  expect(texts(put(90, 95), ...space)).toHaveLength(1);
  for (const fine of [put(5, 15), put(15, 30), put(40, 55), put(61, 69)]) expect(texts(fine, ...space)).toEqual([]);
});

test('after a disarming that may still come nothing is certain', () => {
  expect(texts(put(90, 95), full(10, 20), disarm(50, 60, false), full(70, 80))).toEqual([]);
});

test('what needs no space is not refused for want of it', () => {
  const outcome: Outcome = { kind: 'unknown', error: 'etcdserver: mvcc: database space exceeded' };
  expect(texts({ ...put(1, 2), outcome })).toEqual([]);
  expect(texts({ ...put(1, 2), request: { kind: 'range', key: 'k' }, outcome })).toHaveLength(1);
  expect(texts({ ...put(1, 2), request: { kind: 'delete', key: 'k' }, outcome })).toHaveLength(1);
});

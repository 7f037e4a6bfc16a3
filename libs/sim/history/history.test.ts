import { expect, test } from 'vitest';
import { fromLines, toLines } from './json-lines.ts';
import { inRange } from './operation.ts';
import { Recorder } from './recorder.ts';

test('what was recorded comes back from its lines', () => {
  let time = 0;
  const recorder = new Recorder(() => ++time);
  const put = recorder.begin('c1', { kind: 'put', key: 'a', value: '1' });
  recorder.begin('c2', { kind: 'range', key: 'a' });
  const watch = recorder.watch('c3', {
    key: 'a',
    startRevision: 0,
    prevKv: true,
    noPut: false,
    noDelete: false,
    progressNotify: false,
  });
  watch.add({ kind: 'created', revision: 1, events: [] });
  put.end({ kind: 'ok', response: { kind: 'put', revision: 2 } });
  recorder.hash({ member: 'm1', revision: 2, compactRevision: 0, hash: 7 });
  recorder.leader({ member: 'm1', term: 2, leader: 'm1' });
  recorder.fault('kill m1');
  recorder.space({ kind: 'full', invoke: 3, full: true });
  const history = recorder.history();
  expect(fromLines(toLines(history))).toEqual(history);
  expect(history.operations.map(({ outcome }) => outcome.kind)).toEqual(['ok', 'unknown']);
  expect(history.operations[0]).toMatchObject({ invoke: 1, return: 5 });
});

test('an outcome is recorded once', () => {
  const put = new Recorder(() => 0).begin('c1', { kind: 'put', key: 'a', value: '1' });
  put.end({ kind: 'failed', error: 'refused' });
  expect(() => put.end({ kind: 'failed', error: 'refused' })).toThrow(/already/);
});

test('lines that are no history are refused', () => {
  expect(() => fromLines(['{"other":1}'])).toThrow(SyntaxError);
  expect(() => fromLines(['{"watchId":1,"response":{}}'])).toThrow(/before the watch/);
});

test('ranges: a key, a half-open range, to the end', () => {
  expect(['a', 'b', 'c'].map((key) => inRange(key, 'b', undefined))).toEqual([false, true, false]);
  expect(['a', 'b', 'c'].map((key) => inRange(key, 'a', 'c'))).toEqual([true, true, false]);
  expect(['a', 'b', 'c'].map((key) => inRange(key, 'b', '\0'))).toEqual([false, true, true]);
});

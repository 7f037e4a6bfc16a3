import { expect, test } from 'vitest';
import { VirtualClock } from './virtual-clock.ts';

test('timers fire in the order of their due times, ties in the order of creation', () => {
  const clock = new VirtualClock();
  const fired: string[] = [];
  clock.timer(20, () => fired.push(`late@${clock.monotonicMs()}`));
  clock.timer(10, () => fired.push(`a@${clock.monotonicMs()}`));
  clock.timer(10, () => fired.push(`b@${clock.monotonicMs()}`));
  clock.advance(15);
  expect(fired).toEqual(['a@10', 'b@10']);
  clock.advance(5);
  expect(fired).toEqual(['a@10', 'b@10', 'late@20']);
});

test('a timer made by a timer fires in the same advance when it falls due', () => {
  const clock = new VirtualClock();
  let fired = 0;
  clock.timer(5, () => clock.timer(5, () => fired++));
  clock.advance(10);
  expect(fired).toBe(1);
});

test('a cancelled timer does not fire', () => {
  const clock = new VirtualClock();
  let fired = 0;
  clock.timer(5, () => fired++).cancel();
  clock.advance(10);
  expect(fired).toBe(0);
  expect(clock.nextDueMs()).toBeUndefined();
});

test('sleep resolves in time and rejects when aborted', async () => {
  const clock = new VirtualClock();
  const order: string[] = [];
  const abort = new AbortController();
  void clock.sleep(10).then(() => order.push('slept'));
  void clock.sleep(50, abort.signal).catch((reason: Error) => order.push(reason.message));
  await clock.advanceAsync(10);
  abort.abort(new Error('aborted'));
  await clock.advanceAsync(0);
  expect(order).toEqual(['slept', 'aborted']);
  expect(clock.nextDueMs()).toBeUndefined();
});

test('wall time moves with the clock', () => {
  const clock = new VirtualClock(1_000);
  clock.advance(5);
  expect(clock.wallMs()).toBe(1_005);
});

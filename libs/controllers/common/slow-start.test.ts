import { expect, test } from 'vitest';
import { slowStart } from './slow-start.ts';

test('batches double, and one failure ends it after its batch', async () => {
  const calls: number[] = [];
  const all = await slowStart(10, async (index) => {
    calls.push(index);
  });
  expect(all).toEqual({ succeeded: 10, error: undefined });
  expect(calls).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  let tried = 0;
  const failing = await slowStart(500, async (index) => {
    tried++;
    if (index >= 2) throw new Error(`no ${index}`);
  });
  expect(tried).toBe(3);
  expect(failing).toMatchObject({ succeeded: 2, error: { message: 'no 2' } });
});

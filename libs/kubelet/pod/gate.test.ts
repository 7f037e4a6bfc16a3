import { expect, test } from 'vitest';
import { Gate } from './gate.ts';

test('no more than so many at once, in the order of asking, and failures make room', async () => {
  const gate = new Gate(2);
  const log: string[] = [];
  const ends = new Map<string, () => void>();
  const enter = (name: string, fail = false): Promise<void> =>
    gate.run(async () => {
      log.push(name);
      await new Promise<void>((resolve) => ends.set(name, resolve));
      if (fail) throw new Error(name);
    });
  const all = [enter('a', true).catch(() => {}), enter('b'), enter('c'), enter('d')];
  expect(log).toEqual(['a', 'b']);
  ends.get('a')?.();
  await all[0];
  await Promise.resolve();
  expect(log).toEqual(['a', 'b', 'c']);
  ends.get('b')?.();
  await all[1];
  ends.get('c')?.();
  await all[2];
  ends.get('d')?.();
  await Promise.all(all);
  expect(log).toEqual(['a', 'b', 'c', 'd']);
});

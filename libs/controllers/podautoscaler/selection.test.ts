// Whose pods are counted twice.
import { parseLabelSelector } from '@drydock/api/selectors/label.ts';
import { expect, test } from 'vitest';
import { Selections } from './selection.ts';
import { pod } from './testing.ts';

test('autoscalers of one namespace that select the same pods, until they are forgotten; none of another namespace', () => {
  const selections = new Selections();
  const web = parseLabelSelector('app=web');
  for (const key of ['a/two', 'a/one', 'b/one', 'a-b/one']) selections.set(key, web);
  selections.set('a/db', parseLabelSelector('app=db'));
  const pods = [pod('p')];
  expect(selections.of('a', pods)).toEqual(['a/one', 'a/two']);
  expect(selections.of('a', [])).toEqual([]);
  selections.set('a/two', parseLabelSelector('app=other'));
  selections.forget('a/never');
  expect(selections.of('a', pods)).toEqual(['a/one']);
  selections.forget('b/one');
  expect([selections.of('b', pods), selections.of('c', pods), selections.of('a-b', pods)]).toEqual([[], [], ['a-b/one']]);
});

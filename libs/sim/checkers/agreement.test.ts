import { expect, test } from 'vitest';
import { checkHashes, checkLeaders } from './agreement.ts';

const hash = (member: string, revision: number, value: number) => {
  return { member, time: 0, revision, compactRevision: 1, hash: value };
};
const led = (member: string, term: number, leader: string | undefined) => ({ member, time: 0, term, leader });

test('hashes are compared at equal revisions only', () => {
  expect(checkHashes([hash('a', 5, 1), hash('b', 5, 1), hash('c', 4, 2)])).toEqual([]);
  expect(checkHashes([hash('a', 5, 1), hash('b', 5, 2)])).toMatchObject([{ text: expect.stringMatching(/a and b differ/) }]);
});

test('a term has one leader; nobody is not a leader', () => {
  expect(checkLeaders([led('a', 2, 'a'), led('b', 2, 'a'), led('c', 2, undefined), led('c', 3, 'c')])).toEqual([]);
  expect(checkLeaders([led('a', 2, 'a'), led('b', 2, 'b')])).toMatchObject([{ text: 'two leaders in term 2' }]);
});

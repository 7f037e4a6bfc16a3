import { expect, test } from 'vitest';
import { PasswordQueue } from './password-queue.ts';

/** A hasher whose hashes are made, or fail, when the test says so. */
function heldHasher(sideBySide: number) {
  const held: { password: string; resolve: (hash: string) => void; reject: (error: Error) => void }[] = [];
  const hash = (password: string) =>
    new Promise<string>((resolve, reject) => {
      held.push({ password, resolve, reject });
    });
  return { held, hasher: { sideBySide, hash } };
}

const turn = () => new Promise(setImmediate);

test('so many are hashed at a time, so many wait in their order, and one more is refused at once', async () => {
  const { held, hasher } = heldHasher(2);
  const queue = new PasswordQueue(hasher, 3);
  const calls = ['a', 'b', 'c', 'd', 'e'].map((password) => queue.hash(password, 's'));
  await expect(queue.hash('f', 's')).rejects.toThrow('too many requests');
  expect(held.map(({ password }) => password)).toEqual(['a', 'b']);

  held[0]?.resolve('hash of a');
  expect(await calls[0]).toBe('hash of a');
  await turn();
  expect(held.map(({ password }) => password)).toEqual(['a', 'b', 'c']);
  const late = queue.hash('g', 's');
  await expect(queue.hash('h', 's')).rejects.toThrow('too many requests');

  for (let at = 1; at < 6; at++) {
    held[at]?.resolve(`hash of ${held[at]?.password}`);
    await turn();
  }
  expect(await Promise.all([...calls, late])).toEqual(['a', 'b', 'c', 'd', 'e', 'g'].map((password) => `hash of ${password}`));
});

test('one that fails gives its place to the next', async () => {
  const { held, hasher } = heldHasher(1);
  const queue = new PasswordQueue(hasher, 1);
  const first = queue.hash('a', 's');
  const second = queue.hash('b', 's');
  held[0]?.reject(new Error('no memory'));
  await expect(first).rejects.toThrow('no memory');
  await turn();
  held[1]?.resolve('hash of b');
  expect(await second).toBe('hash of b');
  const third = queue.hash('c', 's');
  await turn();
  expect(held.map(({ password }) => password)).toEqual(['a', 'b', 'c']);
  held[2]?.resolve('hash of c');
  expect(await third).toBe('hash of c');
});

import { describe, expect, test } from 'vitest';
import { bcryptHasher } from './bcrypt.ts';
import { bcryptSetting, isPasswordOf } from './passwords.ts';

const hasher = bcryptHasher;
const salt = Buffer.from('0123456789abcdef');

describe('bcrypt', () => {
  // Of the test vectors of OpenBSD and Openwall.
  test.each([
    ['a', '$2a$06$m0CrhHm10qJ3lXRY.5zDGO3rS2KdeeWLuGmsfGlMfOxih58VYVfxe'],
    ['abc', '$2a$06$If6bvum7DFjUnE9p2uDeDu0YHzrHM6tf.iqN8.yx.jNN1ILEf7h0i'],
    ['U*U', '$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW'],
    ['allmine', '$2a$10$XajjQvNhvvRt5GSeFk1xFeyqRrsxkhBkUiQeg0dt.wU1qD4aFDcga'],
  ])('knows %j', async (password, hash) => {
    expect(await isPasswordOf(hasher, password, hash)).toBe(true);
    expect(await isPasswordOf(hasher, `${password}!`, hash)).toBe(false);
  });

  test('makes what it knows again, with the salt that was given', async () => {
    const hash = await hasher.hash('pässword', bcryptSetting(4, salt));
    expect(hash).toMatch(/^\$2a\$04\$[./A-Za-z0-9]{53}$/);
    expect(await isPasswordOf(hasher, 'pässword', hash)).toBe(true);
    expect(await isPasswordOf(hasher, 'password', hash)).toBe(false);
    expect(await hasher.hash('pässword', bcryptSetting(4, Buffer.from('0123456789abcdeg')))).not.toBe(hash);
  });

  test('reads a password to its end', async () => {
    const hash = await hasher.hash('a\0b', bcryptSetting(4, salt));
    expect(await isPasswordOf(hasher, 'a', hash)).toBe(false);
    // Beyond 255 bytes, where a length of one byte would begin again.
    expect(await isPasswordOf(hasher, `a\0b${'x'.repeat(256)}`, hash)).toBe(false);
  });

  test.each([
    '',
    'secret',
    '$2a$40$XajjQvNhvvRt5GSeFk1xFeyqRrsxkhBkUiQeg0dt.wU1qD4aFDcga',
    '$2a$03$XajjQvNhvvRt5GSeFk1xFeyqRrsxkhBkUiQeg0dt.wU1qD4aFDcga',
    '$2a$10$short',
  ])('takes nothing for the hash %j', async (hash) => {
    expect(await isPasswordOf(hasher, 'allmine', hash)).toBe(false);
  });
});

test('a thread hashes while others have their turns', async () => {
  let turns = 0;
  let isDone = false;
  const hashed = bcryptHasher.hash('x', bcryptSetting(10, salt)).then(() => {
    isDone = true;
  });
  while (!isDone) {
    await new Promise(setImmediate);
    turns++;
  }
  await hashed;
  expect(turns).toBeGreaterThan(2);
});

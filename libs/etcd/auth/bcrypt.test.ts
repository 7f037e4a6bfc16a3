import { describe, expect, test } from 'vitest';
import { bcryptHash, bcryptMatches } from './bcrypt.ts';

const pause = async (): Promise<void> => {};

describe('bcrypt', () => {
  // Of the test vectors of OpenBSD and Openwall.
  test.each([
    ['a', '$2a$06$m0CrhHm10qJ3lXRY.5zDGO3rS2KdeeWLuGmsfGlMfOxih58VYVfxe'],
    ['abc', '$2a$06$If6bvum7DFjUnE9p2uDeDu0YHzrHM6tf.iqN8.yx.jNN1ILEf7h0i'],
    ['U*U', '$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW'],
    ['allmine', '$2a$10$XajjQvNhvvRt5GSeFk1xFeyqRrsxkhBkUiQeg0dt.wU1qD4aFDcga'],
  ])('knows %j', async (password, hash) => {
    expect(await bcryptMatches(password, hash, pause)).toBe(true);
    expect(await bcryptMatches(`${password}!`, hash, pause)).toBe(false);
  });

  test('makes what it knows again, with the salt that was given', async () => {
    const salt = Buffer.from('0123456789abcdef');
    const hash = await bcryptHash('pässword', 4, salt, pause);
    expect(hash).toMatch(/^\$2a\$04\$[./A-Za-z0-9]{53}$/);
    expect(await bcryptMatches('pässword', hash, pause)).toBe(true);
    expect(await bcryptMatches('password', hash, pause)).toBe(false);
    expect(await bcryptHash('pässword', 4, Buffer.from('0123456789abcdeg'), pause)).not.toBe(hash);
  });

  test('gives others their turn', async () => {
    let pauses = 0;
    await bcryptHash('x', 8, Buffer.alloc(16), async () => {
      pauses++;
    });
    expect(pauses).toBe(8);
  });

  test.each(['', 'secret', '$2a$40$XajjQvNhvvRt5GSeFk1xFeyqRrsxkhBkUiQeg0dt.wU1qD4aFDcga', '$2a$10$short'])(
    'takes nothing for the hash %j',
    async (hash) => {
      expect(await bcryptMatches('allmine', hash, pause)).toBe(false);
    },
  );
});

import { bcryptHasher } from '@drydock/etcd/auth/bcrypt.ts';
import { bcryptSetting } from '@drydock/etcd/auth/passwords.ts';
import { expect, test } from 'vitest';
import { simPasswordHasher } from './password-hasher.ts';

test.each(['', 'secret', 'a\0b', 'pässword', 'x'.repeat(300)])('has the hashes of a real member: %j', async (password) => {
  const setting = bcryptSetting(4, Buffer.from('0123456789abcdef'));
  expect(await simPasswordHasher.hash(password, setting)).toBe(await bcryptHasher.hash(password, setting));
});

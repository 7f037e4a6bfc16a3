// bcrypt for the simulator: the same hashes as in a thread, in the turn that asks, for threads end when they please.
import type { PasswordHasher } from '@drydock/etcd/auth/passwords.ts';
import { hashSync } from 'bcrypt';

export const simPasswordHasher: PasswordHasher = {
  sideBySide: 1,
  hash: async (password, setting) => hashSync(password, setting),
};

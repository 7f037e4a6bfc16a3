// Adapter: bcrypt of the package of that name, in threads of the process's pool, so that the one that serves goes on.
import { availableParallelism } from 'node:os';
import type { PasswordHasher } from './passwords.ts';

/** Of the pool's four threads two are left to files. */
const threadsMax = 2;

/** One processor is left to the thread that serves. The package (9 MB) is loaded at the first password. */
export const bcryptHasher: PasswordHasher = {
  sideBySide: Math.min(threadsMax, Math.max(1, availableParallelism() - 1)),
  hash: async (password, setting) => {
    const { hash } = await import('bcrypt');
    return hash(password, setting);
  },
};

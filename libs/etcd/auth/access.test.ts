import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SeededRandom } from '@drydock/foundation/random.ts';
import { VirtualClock } from '@drydock/foundation/virtual-clock.ts';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Backend } from '../mvcc/backend.ts';
import { openLmdbBackend } from '../mvcc/lmdb-backend.ts';
import { Access, type AuthSettings } from './access.ts';
import { AuthStore } from './auth-store.ts';
import { bcryptHasher } from './bcrypt.ts';
import type { PasswordHasher } from './passwords.ts';

let folder: string;
let backend: Backend;
let store: AuthStore;
let clock: VirtualClock;
/** How far this member has applied the log, and how far it comes by waiting. */
let applied: number;
let reached: () => void;
let hasher: PasswordHasher;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'etcd-access-'));
  backend = openLmdbBackend(folder);
  store = new AuthStore(backend);
  store.setEnabled(true);
  clock = new VirtualClock();
  applied = 10;
  reached = () => {};
  hasher = bcryptHasher;
});

afterEach(async () => {
  await backend.close();
  rmSync(folder, { recursive: true });
});

const accessOf = (settings: AuthSettings = {}) =>
  new Access(
    store,
    { bcryptCost: 4, ...settings },
    {
      clock,
      random: new SeededRandom('access-test').stream('auth'),
      passwordHasher: hasher,
      appliedIndex: () => applied,
      readPoint: async () => reached(),
    },
  );
const callOf = (metadata: Readonly<Record<string, string>>, commonName?: string) => ({
  metadata: new Map(Object.entries(metadata)),
  commonName,
});

async function addUser(access: Access, name: string, password: string): Promise<void> {
  const hashed = await access.hashPassword(password);
  store.putUser({ name, password: Buffer.from(hashed, 'base64').toString(), roles: [], options: { no_password: false } });
  store.changed();
}

describe('who calls', () => {
  test('is nobody while authentication is off, whatever the call says', async () => {
    store.setEnabled(false);
    expect(await accessOf().identify(callOf({ token: 'x.1' }, 'alice'))).toBeUndefined();
  });

  test('is named by a token, also as the gateway passes it on', async () => {
    const access = accessOf();
    access.learn('abc.5', 'alice');
    const alice = { user: 'alice', revision: store.revision };
    expect(await access.identify(callOf({ token: 'abc.5' }))).toEqual(alice);
    expect(await access.identify(callOf({ authorization: 'abc.5' }))).toEqual(alice);
    await expect(access.identify(callOf({ token: 'abd.5' }, 'alice'))).rejects.toThrow('invalid auth token');
  });

  test('is known when this member has come as far as the token', async () => {
    const access = accessOf();
    reached = () => {
      applied = 20;
      access.learn('abc.15', 'alice');
    };
    expect(await access.identify(callOf({ token: 'abc.15' }))).toMatchObject({ user: 'alice' });
    await expect(access.identify(callOf({ token: 'abc.25' }))).rejects.toThrow('invalid auth token');
  });

  test('is named by a certificate only where clients must have one, and not by the gateway’s', async () => {
    expect(await accessOf().identify(callOf({}, 'alice'))).toBeUndefined();
    const access = accessOf({ clientCertAuth: true });
    expect(await access.identify(callOf({}, 'alice'))).toMatchObject({ user: 'alice' });
    expect(await access.identify(callOf({ 'grpcgateway-accept': '*/*' }, 'alice'))).toBeUndefined();
    expect(await access.identify(callOf({}))).toBeUndefined();
  });

  test('has no token where users get none; members do', async () => {
    const access = accessOf({ tokens: false });
    expect([access.tokenPrefix(), access.tokenFor('alice', '.5')]).toEqual(['', '']);
    access.learn('.5', 'alice');
    await expect(access.identify(callOf({ token: '.5' }))).rejects.toThrow('invalid auth token');
    const own = `${access.memberTokenPrefix()}.6`;
    access.learn(own, 'root');
    expect(await access.identify(callOf({ token: own }))).toMatchObject({ user: 'root' });
  });
});

describe('a password', () => {
  test('is right or wrong for its user, at the revision it was checked at', async () => {
    const access = accessOf();
    await addUser(access, 'alice', 'secret');
    expect(await access.checkPassword('alice', 'secret')).toBe(store.revision);
    await expect(access.checkPassword('alice', 'Secret')).rejects.toThrow('invalid user ID or password');
    await expect(access.checkPassword('bob', 'secret')).rejects.toThrow('invalid user ID or password');
    store.putUser({ name: 'carol', password: '', roles: [], options: { no_password: true } });
    await expect(access.checkPassword('carol', '')).rejects.toThrow('no password user');
    store.setEnabled(false);
    await expect(access.checkPassword('alice', 'secret')).rejects.toThrow('authentication is not enabled');
  });

  test('costs the same where nobody has the name', async () => {
    const settings: string[] = [];
    const hash = (password: string, setting: string) => {
      settings.push(setting);
      return bcryptHasher.hash(password, setting);
    };
    hasher = { ...bcryptHasher, hash };
    const access = accessOf();
    await addUser(access, 'alice', 'secret');
    const asked = async (name: string) => {
      settings.length = 0;
      await expect(access.checkPassword(name, 'Secret')).rejects.toThrow('invalid user ID or password');
      return settings.map((setting) => setting.slice(0, '$2a$04$'.length));
    };
    expect(await asked('alice')).toEqual(['$2a$04$']);
    expect(await asked('nobody')).toEqual(['$2a$04$']);
  });

  test('of more than 72 bytes is refused', async () => {
    await expect(accessOf().hashPassword('x'.repeat(73))).rejects.toThrow('bcrypt: password length exceeds 72 bytes');
  });
});

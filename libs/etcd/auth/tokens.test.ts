import { createSecretKey, generateKeyPairSync } from 'node:crypto';
import { SeededRandom } from '@drydock/foundation/random.ts';
import { VirtualClock } from '@drydock/foundation/virtual-clock.ts';
import { SignJWT } from 'jose';
import { describe, expect, test } from 'vitest';
import { limits } from '../limits.ts';
import { type JwtSettings, JwtTokens, jwtMethod } from './jwt-tokens.ts';
import { indexOfToken, SimpleTokens, simpleToken, tokenPrefix } from './simple-tokens.ts';

const ttlMs = 300_000;

describe('simple tokens', () => {
  test('live as long as they are used', async () => {
    const clock = new VirtualClock();
    const tokens = new SimpleTokens(clock, ttlMs);
    tokens.add('a.1', 'alice');
    tokens.add('b.2', 'bob');
    await clock.advance(ttlMs - 1);
    expect(tokens.userOf('a.1')).toBe('alice');
    await clock.advance(2);
    expect(tokens.userOf('b.2')).toBeUndefined();
    expect(tokens.userOf('a.1')).toBe('alice');
    expect(tokens.size).toBe(1);
    await clock.advance(ttlMs);
    expect(tokens.userOf('a.1')).toBeUndefined();
  });

  test('are forgotten with their user, or all', () => {
    const tokens = new SimpleTokens(new VirtualClock(), ttlMs);
    for (const [token, user] of Object.entries({ 'a.1': 'alice', 'a.2': 'alice', 'b.3': 'bob' })) tokens.add(token, user);
    tokens.invalidate('alice');
    expect(tokens.userOf('a.2')).toBeUndefined();
    expect(tokens.userOf('b.3')).toBe('bob');
    tokens.invalidate(undefined);
    expect(tokens.size).toBe(0);
  });

  test('that nobody uses make room for others', () => {
    const tokens = new SimpleTokens(new VirtualClock(), ttlMs);
    for (let i = 0; i < limits.authTokens; i++) tokens.add(`t.${i}`, 'alice');
    expect(tokens.userOf('t.0')).toBe('alice');
    tokens.add('new.1', 'bob');
    expect(tokens.size).toBe(limits.authTokens);
    expect(tokens.userOf('t.1')).toBeUndefined();
    expect(tokens.userOf('t.0')).toBe('alice');
  });

  test('say where in the log they were made', () => {
    const prefix = tokenPrefix(new SeededRandom('tokens').stream('prefix'));
    expect(prefix).toMatch(/^[A-Za-z]{16}$/);
    expect(indexOfToken(simpleToken(prefix, 42))).toBe(42);
    for (const text of ['', 'abc', 'abc.', 'abc.x', 'a.b.1', '.1', 'abc.-1']) expect(indexOfToken(text)).toBeUndefined();
  });
});

function keysFor(method: string): Pick<JwtSettings, 'privateKey' | 'publicKey'> {
  const secret = createSecretKey(Buffer.alloc(64, 7));
  if (method.startsWith('HS')) return { privateKey: secret, publicKey: secret };
  if (method === 'EdDSA') return generateKeyPairSync('ed25519');
  const curves: Record<string, string> = { ES256: 'P-256', ES384: 'P-384', ES512: 'P-521' };
  const namedCurve = curves[method];
  return namedCurve === undefined
    ? generateKeyPairSync('rsa', { modulusLength: 2048 })
    : generateKeyPairSync('ec', { namedCurve });
}

function jwt(method: string, clock: VirtualClock, keys = keysFor(method)): JwtTokens {
  const known = jwtMethod(method);
  if (known === undefined) throw new Error(`no method ${method}`);
  return new JwtTokens({ method, ttlMs, ...keys }, known, clock);
}

describe('JSON web tokens', () => {
  const identity = { user: 'alice', revision: 12 };

  test.each(['HS256', 'HS512', 'RS256', 'RS512', 'PS256', 'ES256', 'ES384', 'ES512', 'EdDSA'])('%s', async (method) => {
    const clock = new VirtualClock();
    const keys = keysFor(method);
    const tokens = jwt(method, clock, keys);
    const token = tokens.issue(identity);
    expect(tokens.identify(token)).toEqual(identity);
    expect(jwt(method, clock).identify(method.startsWith('HS') ? `${token}x` : token)).toBeUndefined();
    expect(tokens.identify(`${token.slice(0, -3)}AAA`)).toBeUndefined();
    // As others make them.
    const exp = Math.floor(clock.wallMs() / 1000) + 60;
    const theirs = new SignJWT({ username: 'bob', revision: 3, exp }).setProtectedHeader({ alg: method, typ: 'JWT' });
    const { privateKey } = keys;
    if (privateKey === undefined) throw new Error('no private key');
    expect(tokens.identify(await theirs.sign(privateKey))).toEqual({ user: 'bob', revision: 3 });
    await clock.advance(ttlMs);
    expect(tokens.identify(token)).toBeUndefined();
  });

  test('of another method are none, nor are those without a signature', () => {
    const clock = new VirtualClock();
    const secret = keysFor('HS256');
    const token = jwt('HS256', clock, secret).issue(identity);
    expect(jwt('HS512', clock, secret).identify(token)).toBeUndefined();
    const [, body] = token.split('.');
    const none = Buffer.from('{"alg":"none"}').toString('base64url');
    for (const text of ['', '..', `${none}.${body}.`, `${token}.x`, 'not a token']) {
      expect(jwt('HS256', clock, secret).identify(text)).toBeUndefined();
    }
    expect(['none', 'HS1', 'RS', ''].map(jwtMethod)).toEqual([undefined, undefined, undefined, undefined]);
  });

  test('are not made without the private key', () => {
    const { publicKey } = keysFor('RS256');
    expect(() => jwt('RS256', new VirtualClock(), { privateKey: undefined, publicKey }).issue(identity)).toThrow('verify-only');
  });
});

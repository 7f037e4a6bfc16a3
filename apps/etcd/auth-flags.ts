// `--auth-token` and its kin: how users prove who they are. The options' names and defaults are etcd's.
import { createPrivateKey, createPublicKey, createSecretKey, type KeyObject } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { AuthSettings } from '@drydock/etcd/auth/access.ts';
import { type JwtSettings, jwtMethod } from '@drydock/etcd/auth/jwt-tokens.ts';
import { parseDuration } from '@drydock/foundation/duration.ts';
import type { Values } from '@drydock/foundation/flags.ts';
import { StartupError } from '@drydock/foundation/program.ts';
import type { etcdFlags } from './flags.ts';

const jwtTtlMs = 5 * 60_000;

/** Throws StartupError. */
export function authSettings(flags: Values<typeof etcdFlags>): AuthSettings {
  return {
    jwt: jwtSettings(flags['auth-token']),
    tokens: flags['auth-token'] !== '',
    tokenTtlSeconds: flags['auth-token-ttl'],
    bcryptCost: flags['bcrypt-cost'],
    clientCertAuth: flags['client-cert-auth'],
  };
}

function jwtSettings(text: string): JwtSettings | undefined {
  if (text === '') return undefined;
  const [type, ...pairs] = text.split(',');
  const options = new Map<string, string>();
  for (const pair of pairs) {
    const [key = '', value, ...more] = pair.split('=');
    if (value === undefined || more.length > 0 || options.has(key)) throw invalid();
    options.set(key, value);
  }
  if (type === 'simple') return undefined;
  const method = options.get('sign-method') ?? '';
  const keyType = jwtMethod(method)?.keyType;
  if (type !== 'jwt' || keyType === undefined) throw invalid();
  return { method, ...keys(options, keyType), ttlMs: ttlOf(options.get('ttl')) };
}

function ttlOf(text = ''): number {
  const ms = text === '' ? jwtTtlMs : parseDuration(text);
  if (ms === undefined) throw invalid();
  return ms;
}

function keys(options: ReadonlyMap<string, string>, keyType: string): Pick<JwtSettings, 'privateKey' | 'publicKey'> {
  const privatePem = readOption(options, 'priv-key');
  const publicPem = readOption(options, 'pub-key');
  if (keyType === 'secret') {
    if (privatePem === undefined) throw new StartupError('auth: missing key data');
    const secret = createSecretKey(privatePem);
    return { privateKey: secret, publicKey: secret };
  }
  const privateKey = privatePem === undefined ? undefined : parse(privatePem, createPrivateKey);
  const publicKey = publicPem === undefined ? undefined : parse(publicPem, createPublicKey);
  const ofPrivate = privateKey === undefined ? undefined : createPublicKey(privateKey);
  const checking = publicKey ?? ofPrivate;
  if (checking === undefined) throw new StartupError('auth: missing key data');
  if (checking.asymmetricKeyType !== keyType) throw invalid();
  if (publicKey !== undefined && ofPrivate !== undefined && !publicKey.equals(ofPrivate)) {
    throw new StartupError("auth: public and private keys don't match");
  }
  return { privateKey, publicKey: checking };
}

function readOption(options: ReadonlyMap<string, string>, name: string): Buffer | undefined {
  const path = options.get(name) ?? '';
  if (path === '') return undefined;
  try {
    return readFileSync(path);
  } catch (cause) {
    throw invalid(cause);
  }
}

function parse(pem: Buffer, create: (pem: Buffer) => KeyObject): KeyObject {
  try {
    return create(pem);
  } catch (cause) {
    throw invalid(cause);
  }
}

function invalid(cause?: unknown): StartupError {
  return new StartupError('auth: invalid auth options', { cause });
}

// `--auth-token jwt,...`: tokens that carry user and revision, signed. Nothing is kept; any member with the public key can check
// them. RFC 7515, RFC 7518, RFC 7519.
import { constants, createHmac, type KeyObject, sign, timingSafeEqual, verify } from 'node:crypto';
import type { Clock } from '@drydock/foundation/clock.ts';
import { EtcdError } from '../errors.ts';
import type { Identity } from './identity.ts';

export interface JwtSettings {
  /** As in `--auth-token`: RS256, PS384, ES512, HS256, EdDSA ... */
  readonly method: string;
  /** Signs and, but for a shared secret, is undefined on members that only check. */
  readonly privateKey: KeyObject | undefined;
  /** Checks; the secret itself for HS256 and its kin. */
  readonly publicKey: KeyObject;
  readonly ttlMs: number;
}

interface Method {
  /** What Node calls the digest; undefined where the key decides. */
  readonly digest: string | undefined;
  readonly options: { readonly dsaEncoding?: 'ieee-p1363'; readonly padding?: number; readonly saltLength?: number };
  /** The type of its keys as Node calls it. */
  readonly keyType: string;
}

/** undefined where there is no such method. */
export function jwtMethod(name: string): Method | undefined {
  if (name === 'EdDSA') return { digest: undefined, options: {}, keyType: 'ed25519' };
  const [, family, bits] = /^(HS|RS|PS|ES)(256|384|512)$/.exec(name) ?? [];
  const digest = `sha${bits}`;
  if (family === 'HS') return { digest, options: {}, keyType: 'secret' };
  if (family === 'RS') return { digest, options: { padding: constants.RSA_PKCS1_PADDING }, keyType: 'rsa' };
  if (family === 'ES') return { digest, options: { dsaEncoding: 'ieee-p1363' }, keyType: 'ec' };
  if (family !== 'PS') return undefined;
  const options = { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST };
  return { digest, options, keyType: 'rsa' };
}

export class JwtTokens {
  readonly #settings: JwtSettings;
  readonly #method: Method;
  readonly #clock: Clock;

  constructor(settings: JwtSettings, method: Method, clock: Clock) {
    this.#settings = settings;
    this.#method = method;
    this.#clock = clock;
  }

  /** Throws `tokenVerifyOnly` on a member without the private key. */
  issue({ user, revision }: Identity): string {
    const exp = Math.floor((this.#clock.wallMs() + this.#settings.ttlMs) / 1000);
    const head = encodePart({ alg: this.#settings.method, typ: 'JWT' });
    const signed = `${head}.${encodePart({ exp, revision, username: user })}`;
    return `${signed}.${this.#sign(Buffer.from(signed)).toString('base64url')}`;
  }

  /** Whose it is; undefined where it is forged, over or not of this method. */
  identify(token: string): Identity | undefined {
    const [head = '', body = '', signature = '', ...more] = token.split('.');
    if (more.length > 0 || decodePart(head)?.alg !== this.#settings.method) return undefined;
    if (!this.#verify(Buffer.from(`${head}.${body}`), Buffer.from(signature, 'base64url'))) return undefined;
    const { username, revision, exp, nbf } = decodePart(body) ?? {};
    const nowSeconds = this.#clock.wallMs() / 1000;
    if (typeof username !== 'string' || typeof revision !== 'number') return undefined;
    if (exp !== undefined && !(typeof exp === 'number' && nowSeconds < exp)) return undefined;
    if (nbf !== undefined && !(typeof nbf === 'number' && nowSeconds >= nbf)) return undefined;
    return { user: username, revision };
  }

  #sign(data: Buffer): Buffer {
    const { privateKey } = this.#settings;
    if (privateKey === undefined) throw new EtcdError('tokenVerifyOnly');
    const { digest, options, keyType } = this.#method;
    if (keyType === 'secret')
      return createHmac(digest ?? '', privateKey)
        .update(data)
        .digest();
    return sign(digest, data, { key: privateKey, ...options });
  }

  #verify(data: Buffer, signature: Buffer): boolean {
    const { publicKey } = this.#settings;
    const { digest, options, keyType } = this.#method;
    if (keyType !== 'secret') return verify(digest, data, { key: publicKey, ...options }, signature);
    const expected = createHmac(digest ?? '', publicKey)
      .update(data)
      .digest();
    return expected.length === signature.length && timingSafeEqual(expected, signature);
  }
}

function encodePart(part: object): string {
  return Buffer.from(JSON.stringify(part)).toString('base64url');
}

function decodePart(text: string): Record<string, unknown> | undefined {
  try {
    const part: unknown = JSON.parse(Buffer.from(text, 'base64url').toString());
    return typeof part === 'object' && part !== null ? (part as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

// Service-account tokens: JSON web tokens that this cluster signed, bound to objects that must still exist.
import { createHash, createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import type { KubeObject } from '@drydock/api/resource.ts';
import type { Clock } from '@drydock/foundation/clock.ts';
import { decodeJwt, decodeProtectedHeader, exportJWK, jwtVerify, SignJWT } from 'jose';
import { tokenCacheMaxEntries, tokenCacheMs } from '../limits.ts';
import type { User } from '../request.ts';
import { serviceAccountUser } from './user.ts';

/** Reads an object of the cluster, undefined where it is missing. */
export type ObjectReader = (resource: string, namespace: string, name: string) => Promise<KubeObject | undefined>;

export interface TokenOptions {
  readonly issuers: readonly string[];
  readonly audiences: readonly string[];
  /** PEM of public keys, private keys or certificates. */
  readonly verificationPems: readonly string[];
  readonly signingPem: string | undefined;
  readonly read: ObjectReader;
  readonly clock: Clock;
}

/** What a token says, after its signature was found good. */
interface Binding {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly pod?: { readonly name: string; readonly uid: string } | undefined;
  readonly secret?: { readonly name: string; readonly uid?: string } | undefined;
  readonly node?: { readonly name: string; readonly uid: string } | undefined;
  readonly jti?: string | undefined;
  readonly audiences: readonly string[];
}

/** The claims of a token to be signed. Times are seconds since the epoch. */
export interface TokenClaims {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly audiences: readonly string[];
  readonly issuedAt: number;
  readonly expiresAt: number;
  readonly warnAfter?: number | undefined;
  readonly jti: string;
  readonly pod?: { readonly name: string; readonly uid: string } | undefined;
  readonly secret?: { readonly name: string; readonly uid: string } | undefined;
  readonly node?: { readonly name: string; readonly uid?: string } | undefined;
}

const legacyIssuer = 'kubernetes/serviceaccount';

/** Verifies and signs service-account tokens. */
export class ServiceAccountTokens {
  readonly #options: TokenOptions;
  readonly #keys: { readonly id: string; readonly key: KeyObject }[];
  readonly #signingKey: KeyObject | undefined;
  readonly #known = new Map<string, { readonly binding: Binding; readonly untilMs: number }>();

  constructor(options: TokenOptions) {
    this.#options = options;
    this.#keys = options.verificationPems.flatMap(splitPem).map((pem) => {
      const key = createPublicKey(pem);
      return { id: keyId(key), key };
    });
    this.#signingKey = options.signingPem === undefined ? undefined : createPrivateKey(options.signingPem);
  }

  get issuer(): string {
    return this.#options.issuers[0] ?? '';
  }

  get audiences(): readonly string[] {
    return this.#options.audiences;
  }

  /** The user of a token, or undefined where it is not (or no longer) valid for `audiences` (default: the API's own). */
  async authenticate(token: string, audiences = this.#options.audiences): Promise<User | undefined> {
    const binding = await this.#verify(token);
    if (binding === undefined || !binding.audiences.some((audience) => audiences.includes(audience))) return undefined;
    return this.#resolve(binding);
  }

  /** The audiences a token is valid for, of those asked. */
  async audiencesOf(token: string, asked: readonly string[]): Promise<string[]> {
    const binding = await this.#verify(token);
    return binding === undefined ? [] : asked.filter((audience) => binding.audiences.includes(audience));
  }

  /** Signs a token; undefined without a signing key. */
  async sign(claims: TokenClaims): Promise<string | undefined> {
    const key = this.#signingKey;
    if (key === undefined) return undefined;
    const { namespace, name, uid, pod, secret, node, warnAfter } = claims;
    const kubernetes = {
      namespace,
      ...(node === undefined ? {} : { node }),
      ...(pod === undefined ? {} : { pod }),
      ...(secret === undefined ? {} : { secret }),
      serviceaccount: { name, uid },
      ...(warnAfter === undefined ? {} : { warnafter: warnAfter }),
    };
    return new SignJWT({ 'kubernetes.io': kubernetes })
      .setProtectedHeader({ alg: algorithmOf(key), kid: keyId(createPublicKey(key)) })
      .setAudience([...claims.audiences])
      .setIssuer(this.issuer)
      .setSubject(`system:serviceaccount:${namespace}:${name}`)
      .setIssuedAt(claims.issuedAt)
      .setNotBefore(claims.issuedAt)
      .setExpirationTime(claims.expiresAt)
      .setJti(claims.jti)
      .sign(key);
  }

  /** The public keys as a JSON web key set (`/openid/v1/jwks`). */
  async keySet(): Promise<object> {
    const keys = await Promise.all(
      this.#keys.map(async ({ id, key }) => ({ use: 'sig', ...(await exportJWK(key)), kid: id, alg: algorithmOf(key) })),
    );
    return { keys };
  }

  /** The algorithms of the keys, for the discovery document. */
  get algorithms(): string[] {
    return [...new Set(this.#keys.map(({ key }) => algorithmOf(key)))];
  }

  async #verify(token: string): Promise<Binding | undefined> {
    const nowMs = this.#options.clock.wallMs();
    const known = this.#known.get(token);
    if (known !== undefined && known.untilMs > nowMs) return known.binding;
    const binding = await this.#verifySignature(token, nowMs);
    if (binding === undefined) return undefined;
    if (this.#known.size >= tokenCacheMaxEntries) this.#known.clear();
    this.#known.set(token, { binding, untilMs: nowMs + tokenCacheMs });
    return binding;
  }

  async #verifySignature(token: string, nowMs: number): Promise<Binding | undefined> {
    let issuer: string | undefined;
    let kid: string | undefined;
    try {
      issuer = decodeJwt(token).iss;
      kid = decodeProtectedHeader(token).kid;
    } catch {
      return undefined;
    }
    const legacy = issuer === legacyIssuer;
    if (issuer === undefined || (!legacy && !this.#options.issuers.includes(issuer))) return undefined;
    const candidates = this.#keys.filter(({ id }) => kid === undefined || kid === '' || id === kid);
    for (const { key } of candidates) {
      try {
        const { payload } = await jwtVerify(token, key, { issuer, currentDate: new Date(nowMs) });
        return legacy ? legacyBinding(payload, this.#options.audiences) : boundBinding(payload);
      } catch {
        // The next key may be the one that signed it.
      }
    }
    return undefined;
  }

  /** Looks up what the token is bound to; what is gone, or was made anew, invalidates it. */
  async #resolve(binding: Binding): Promise<User | undefined> {
    const { read } = this.#options;
    const { namespace, name, uid, pod, secret, node } = binding;
    const account = await read('serviceaccounts', namespace, name);
    if (account === undefined || account.metadata?.uid !== uid || account.metadata.deletionTimestamp !== undefined)
      return undefined;
    const extra: Record<string, string[]> = {};
    if (binding.jti !== undefined) extra['authentication.kubernetes.io/credential-id'] = [`JTI=${binding.jti}`];
    if (secret !== undefined) {
      const found = await read('secrets', namespace, secret.name);
      if (found === undefined || (secret.uid !== undefined && found.metadata?.uid !== secret.uid)) return undefined;
    }
    if (pod !== undefined) {
      const found = await read('pods', namespace, pod.name);
      if (found?.metadata?.uid !== pod.uid) return undefined;
      extra['authentication.kubernetes.io/pod-name'] = [pod.name];
      extra['authentication.kubernetes.io/pod-uid'] = [pod.uid];
    }
    if (node !== undefined) {
      extra['authentication.kubernetes.io/node-name'] = [node.name];
      if (node.uid !== undefined) extra['authentication.kubernetes.io/node-uid'] = [node.uid];
    }
    return serviceAccountUser(namespace, name, uid, extra);
  }
}

type Payload = Awaited<ReturnType<typeof jwtVerify>>['payload'];

function boundBinding(payload: Payload): Binding | undefined {
  const claims = payload['kubernetes.io'] as
    | (Pick<Binding, 'namespace' | 'pod' | 'secret' | 'node'> & { serviceaccount?: { name: string; uid: string } })
    | undefined;
  if (claims?.serviceaccount === undefined || payload.sub === undefined) return undefined;
  const { name, uid } = claims.serviceaccount;
  if (payload.sub !== `system:serviceaccount:${claims.namespace}:${name}`) return undefined;
  const audiences = [payload.aud ?? []].flat();
  return { ...claims, name, uid, audiences, jti: payload.jti };
}

function legacyBinding(payload: Payload, audiences: readonly string[]): Binding | undefined {
  const claim = (name: string) => payload[`kubernetes.io/serviceaccount/${name}`] as string | undefined;
  const [namespace, name, uid] = [claim('namespace'), claim('service-account.name'), claim('service-account.uid')];
  const secret = claim('secret.name');
  if (namespace === undefined || name === undefined || uid === undefined || secret === undefined) return undefined;
  return { namespace, name, uid, secret: { name: secret }, audiences };
}

function splitPem(text: string): string[] {
  return text.match(/-----BEGIN [^-]+-----[\s\S]*?-----END [^-]+-----/g) ?? [];
}

function algorithmOf(key: KeyObject): string {
  if (key.asymmetricKeyType !== 'ec') return 'RS256';
  const curve = key.asymmetricKeyDetails?.namedCurve;
  return curve === 'secp384r1' ? 'ES384' : curve === 'secp521r1' ? 'ES512' : 'ES256';
}

/** Upstream's key id: the base64url of the SHA-256 of the public key's DER form. */
function keyId(key: KeyObject): string {
  return createHash('sha256')
    .update(key.export({ type: 'spki', format: 'der' }))
    .digest('base64url');
}

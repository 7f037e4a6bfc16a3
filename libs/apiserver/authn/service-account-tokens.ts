// Service-account tokens: JSON web tokens that this cluster signed, bound to objects that must still exist.
import { createHash, createPrivateKey, createPublicKey, type KeyObject, timingSafeEqual } from 'node:crypto';
import type { Secret } from '@drydock/api/generated/types.ts';
import type { KubeObject } from '@drydock/api/resource.ts';
import { type Clock, parseTime } from '@drydock/foundation/clock.ts';
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
  readonly node?: { readonly name: string; readonly uid?: string | undefined } | undefined;
  readonly jti?: string | undefined;
  readonly audiences: readonly string[];
  /** Seconds since the epoch; tokens of Secrets have none. */
  readonly expiresAt?: number | undefined;
  /** A token of a Secret, which must hold it still. */
  readonly legacyToken?: string | undefined;
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
/** What clocks may differ by, and how long what is marked for deletion still counts (jwt.DefaultLeeway). */
const leewaySeconds = 60;
const invalidSinceLabel = 'kubernetes.io/legacy-token-invalid-since';

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
    this.#known.delete(token);
    const binding = await this.#verifySignature(token, nowMs);
    if (binding === undefined) return undefined;
    if (this.#known.size >= tokenCacheMaxEntries) this.#known.clear();
    const expiresMs = ((binding.expiresAt ?? Number.POSITIVE_INFINITY) + leewaySeconds) * 1000;
    this.#known.set(token, { binding, untilMs: Math.min(nowMs + tokenCacheMs, expiresMs) });
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
        const { payload } = await jwtVerify(token, key, {
          issuer,
          currentDate: new Date(nowMs),
          clockTolerance: leewaySeconds,
        });
        return legacy ? legacyBinding(payload, token, this.#options.audiences) : boundBinding(payload);
      } catch {
        // The next key may be the one that signed it.
      }
    }
    return undefined;
  }

  /** Looks up what the token is bound to; what is gone, or was made anew, invalidates it. */
  async #resolve(binding: Binding): Promise<User | undefined> {
    const { namespace, name, uid, pod, secret, node, jti } = binding;
    if ((await this.#living('serviceaccounts', namespace, { name, uid })) === undefined) return undefined;
    const extra: Record<string, string[]> = {};
    if (jti !== undefined) extra['authentication.kubernetes.io/credential-id'] = [`JTI=${jti}`];
    if (secret !== undefined && !(await this.#secretStands(binding, secret))) return undefined;
    if (pod !== undefined) {
      if ((await this.#living('pods', namespace, pod)) === undefined) return undefined;
      extra['authentication.kubernetes.io/pod-name'] = [pod.name];
      extra['authentication.kubernetes.io/pod-uid'] = [pod.uid];
    }
    if (node !== undefined) {
      // Beside a pod the node is what was known when the token was made, and the pod decides.
      if (pod === undefined && (await this.#living('nodes', '', node)) === undefined) return undefined;
      extra['authentication.kubernetes.io/node-name'] = [node.name];
      if (node.uid !== undefined) extra['authentication.kubernetes.io/node-uid'] = [node.uid];
    }
    return serviceAccountUser(namespace, name, uid, extra);
  }

  /** The object of that name and uid, unless its deletion is due for longer than the leeway. */
  async #living(
    resource: string,
    namespace: string,
    { name, uid }: { readonly name: string; readonly uid?: string | undefined },
  ): Promise<KubeObject | undefined> {
    const found = await this.#options.read(resource, namespace, name);
    if (found === undefined || (uid !== undefined && found.metadata?.uid !== uid)) return undefined;
    const deleted = found.metadata?.deletionTimestamp;
    if (deleted === undefined) return found;
    const due = this.#options.clock.wallMs() - leewaySeconds * 1000;
    return (parseTime(deleted) ?? 0) < due ? undefined : found;
  }

  async #secretStands({ namespace, legacyToken }: Binding, ref: NonNullable<Binding['secret']>): Promise<boolean> {
    const secret = (await this.#living('secrets', namespace, ref)) as Secret | undefined;
    if (secret === undefined) return false;
    if (legacyToken === undefined) return true;
    if (secret.metadata?.labels?.[invalidSinceLabel] !== undefined) return false;
    const held = Buffer.from(secret.data?.token ?? '', 'base64');
    const shown = Buffer.from(legacyToken);
    return held.length === shown.length && timingSafeEqual(held, shown);
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
  return { ...claims, name, uid, audiences, jti: payload.jti, expiresAt: payload.exp };
}

function legacyBinding(payload: Payload, token: string, audiences: readonly string[]): Binding | undefined {
  const claim = (name: string) => payload[`kubernetes.io/serviceaccount/${name}`] as string | undefined;
  const [namespace, name, uid] = [claim('namespace'), claim('service-account.name'), claim('service-account.uid')];
  const secret = claim('secret.name');
  if (namespace === undefined || name === undefined || uid === undefined || secret === undefined) return undefined;
  if (payload.sub !== `system:serviceaccount:${namespace}:${name}`) return undefined;
  return { namespace, name, uid, secret: { name: secret }, audiences, legacyToken: token };
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

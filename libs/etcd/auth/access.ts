// One member's part of authentication: it checks passwords and hands out tokens, and tells from a call who makes it.
import type { Clock } from '@drydock/foundation/clock.ts';
import type { RandomStream } from '@drydock/foundation/random.ts';
import { EtcdError } from '../errors.ts';
import { limits } from '../limits.ts';
import type { AuthStore } from './auth-store.ts';
import type { Identity } from './identity.ts';
import { type JwtSettings, JwtTokens, jwtMethod } from './jwt-tokens.ts';
import { PasswordQueue } from './password-queue.ts';
import {
  bcryptCosts,
  bcryptPasswordBytesMax,
  bcryptSaltBytes,
  bcryptSetting,
  isPasswordOf,
  type PasswordHasher,
} from './passwords.ts';
import { indexOfToken, prefixOfToken, SimpleTokens, tokenPrefix } from './simple-tokens.ts';

/** What flags decide; etcd's defaults where they are absent. */
export interface AuthSettings {
  /** `--auth-token`; undefined for simple tokens. */
  readonly jwt?: JwtSettings | undefined;
  /** False where `--auth-token` is empty: users have no tokens, only certificates. */
  readonly tokens?: boolean;
  /** `--auth-token-ttl`, of simple tokens. */
  readonly tokenTtlSeconds?: number;
  readonly bcryptCost?: number;
  /** Whether a client's certificate names its user. */
  readonly clientCertAuth?: boolean;
}

export interface AccessPorts {
  readonly clock: Clock;
  /** Unpredictable. */
  readonly random: RandomStream;
  readonly passwordHasher: PasswordHasher;
  readonly appliedIndex: () => number;
  /** Resolves when everything that was committed before the call is applied. */
  readonly readPoint: () => Promise<void>;
}

/** Who calls, as far as the call itself says. */
export interface Credentials {
  readonly metadata: { get(name: string): string | undefined };
  /** Of the certificate that the client proved to have; undefined where it needed none. */
  readonly commonName: string | undefined;
}

const tokenKeys = ['token', 'authorization'] as const;
/** A call that the HTTP gateway passes on: its certificate is the gateway's. */
const gatewayKey = 'grpcgateway-accept';

export class Access {
  /** Of simple tokens. */
  readonly tokenTtlMs: number;
  readonly #store: AuthStore;
  readonly #ports: AccessPorts;
  readonly #clientCertAuth: boolean;
  readonly #tokens: boolean;
  readonly #bcryptCost: number;
  readonly #passwords: PasswordHasher;
  readonly #simple: SimpleTokens;
  readonly #jwt: JwtTokens | undefined;

  constructor(store: AuthStore, settings: AuthSettings, ports: AccessPorts) {
    const { jwt, tokenTtlSeconds = limits.authTokenTtlSeconds, bcryptCost = limits.bcryptCost } = settings;
    this.#store = store;
    this.#ports = ports;
    this.#clientCertAuth = settings.clientCertAuth ?? false;
    this.#tokens = settings.tokens ?? true;
    this.#bcryptCost = bcryptCost >= bcryptCosts.min && bcryptCost <= bcryptCosts.max ? bcryptCost : limits.bcryptCost;
    this.#passwords = new PasswordQueue(ports.passwordHasher, limits.passwordsWaiting);
    this.tokenTtlMs = 1000 * (tokenTtlSeconds > 0 ? tokenTtlSeconds : limits.authTokenTtlSeconds);
    this.#simple = new SimpleTokens(ports.clock, this.tokenTtlMs);
    const method = jwt === undefined ? undefined : jwtMethod(jwt.method);
    if (jwt !== undefined && method !== undefined) this.#jwt = new JwtTokens(jwt, method, ports.clock);
    store.onInvalidate = (user) => this.#simple.invalidate(user);
  }

  get enabled(): boolean {
    return this.#store.enabled;
  }

  /** Who makes a call; undefined where nobody is named, or authentication is off. Rejects with `invalidAuthToken`. */
  identify(call: Credentials): Promise<Identity | undefined> | undefined {
    return this.#store.enabled ? this.#identify(call) : undefined;
  }

  async #identify(call: Credentials): Promise<Identity | undefined> {
    const token = tokenKeys.map((key) => call.metadata.get(key)).find((value) => value !== undefined);
    if (token !== undefined) {
      const identity = this.#jwt?.identify(token) ?? (await this.#identifySimple(token));
      if (identity === undefined) throw new EtcdError('invalidAuthToken');
      return identity;
    }
    if (!this.#clientCertAuth || call.metadata.get(gatewayKey) !== undefined) return undefined;
    const user = call.commonName;
    return user === undefined ? undefined : { user, revision: this.#store.revision };
  }

  /**
   * The revision at which the password was right. Rejects where it was not; that takes as long where nobody has the name, so that
   * nobody learns names by the time. Rejects with `tooManyRequests` where too many passwords wait.
   */
  async checkPassword(name: string, password: string): Promise<number> {
    if (!this.#store.enabled) throw new EtcdError('authNotEnabled');
    const user = this.#store.user(name);
    if (user === undefined) {
      await this.#passwords.hash(password, this.#newSetting());
      throw new EtcdError('authFailed');
    }
    if (user.options?.no_password === true) throw new EtcdError('noPasswordUser');
    const { revision } = this.#store;
    if (!(await isPasswordOf(this.#passwords, password, user.password))) throw new EtcdError('authFailed');
    return revision;
  }

  /** As it is replicated: in base64. Rejects with `passwordTooLong`, and `tooManyRequests` where too many wait. */
  async hashPassword(password: string): Promise<string> {
    if (Buffer.byteLength(password) > bcryptPasswordBytesMax) throw new EtcdError('passwordTooLong');
    const hash = await this.#passwords.hash(password, this.#newSetting());
    return Buffer.from(hash).toString('base64');
  }

  /** The part of a user's token that goes into the log; '' where the token does not come from there. */
  tokenPrefix(): string {
    return this.#tokens && this.#jwt === undefined ? tokenPrefix(this.#ports.random) : '';
  }

  memberTokenPrefix(): string {
    return tokenPrefix(this.#ports.random);
  }

  /** What the client gets; `simple` is the token that the log has made. */
  tokenFor(user: string, simple: string): string {
    if (!this.#tokens) return '';
    return this.#jwt?.issue({ user, revision: this.#store.revision }) ?? simple;
  }

  /** The log has made a token; one that anybody could guess is none. */
  learn(token: string, user: string): void {
    if (prefixOfToken(token) !== '') this.#simple.add(token, user);
  }

  #newSetting(): string {
    return bcryptSetting(this.#bcryptCost, this.#ports.random.bytes(bcryptSaltBytes));
  }

  async #identifySimple(token: string): Promise<Identity | undefined> {
    const index = indexOfToken(token);
    if (index === undefined) return undefined;
    // Another member may have handed it out, and this one not have come so far yet.
    if (index > this.#ports.appliedIndex()) await this.#ports.readPoint();
    const user = this.#simple.userOf(token);
    return user === undefined ? undefined : { user, revision: this.#store.revision };
  }
}

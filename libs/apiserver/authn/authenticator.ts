// Who is asking: client certificate, authenticating proxy, service-account token, or nobody.
import { type ApiError, apiError } from '@drydock/api/status.ts';
import type { Credentials, User } from '../request.ts';
import type { ServiceAccountTokens } from './service-account-tokens.ts';
import { anonymous, withAuthenticated } from './user.ts';

/** The --requestheader-* flags. */
export interface RequestHeaderOptions {
  readonly usernameHeaders: readonly string[];
  readonly groupHeaders: readonly string[];
  readonly extraPrefixes: readonly string[];
  /** Common names that may speak for others; empty allows every verified certificate. */
  readonly allowedNames: readonly string[];
  readonly enabled: boolean;
}

export interface AuthenticatorOptions {
  readonly anonymousAuth: boolean;
  readonly requestHeader: RequestHeaderOptions;
  readonly tokens: ServiceAccountTokens;
}

/** What upstream answers to credentials it does not accept. */
export function unauthorized(): ApiError {
  return apiError('Unauthorized', 'Unauthorized');
}

/** Turns credentials into a user; fails with Unauthorized. */
export class Authenticator {
  readonly #options: AuthenticatorOptions;

  constructor(options: AuthenticatorOptions) {
    this.#options = options;
  }

  async authenticate(credentials: Credentials): Promise<User> {
    const proxied = this.#requestHeader(credentials);
    if (proxied !== undefined) return withAuthenticated(proxied);
    if (credentials.badCertificate === true) throw unauthorized();
    const certificate = credentials.certificate;
    if (certificate !== undefined && certificate.commonName !== '') {
      return withAuthenticated({
        name: certificate.commonName,
        uid: '',
        groups: certificate.organizations,
        extra: { 'authentication.kubernetes.io/credential-id': [`X509SHA256=${certificate.fingerprint}`] },
      });
    }
    if (credentials.bearerToken !== undefined) {
      const user = await this.#options.tokens.authenticate(credentials.bearerToken);
      if (user === undefined) throw unauthorized();
      return withAuthenticated(user);
    }
    if (!this.#options.anonymousAuth) throw unauthorized();
    return anonymous;
  }

  #requestHeader(credentials: Credentials): User | undefined {
    const { requestHeader } = this.#options;
    const { headers, certificate } = credentials;
    if (!requestHeader.enabled || headers === undefined || certificate === undefined) return undefined;
    const allowed = requestHeader.allowedNames.length === 0 || requestHeader.allowedNames.includes(certificate.commonName);
    if (!allowed) return undefined;
    const values = (name: string): string[] => [headers[name.toLowerCase()] ?? []].flat();
    const name = requestHeader.usernameHeaders.flatMap(values)[0];
    if (name === undefined || name === '') return undefined;
    const extra: Record<string, string[]> = {};
    for (const prefix of requestHeader.extraPrefixes.map((each) => each.toLowerCase())) {
      for (const header of Object.keys(headers)) {
        if (header.startsWith(prefix)) extra[decodeURIComponent(header.slice(prefix.length))] = values(header);
      }
    }
    return { name, uid: '', groups: requestHeader.groupHeaders.flatMap(values), extra };
  }
}

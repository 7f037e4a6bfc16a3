// Who is asking: client certificate, authenticating proxy, service-account token, or nobody.
import { type ApiError, apiError } from '@drydock/api/status.ts';
import { proxiedUser, type RequestHeaderNames } from '@drydock/foundation/serving/request-header.ts';
import type { Credentials, User } from '../request.ts';
import type { ServiceAccountTokens } from './service-account-tokens.ts';
import { anonymous, withAuthenticated } from './user.ts';

/** The --requestheader-* flags. */
export interface RequestHeaderOptions extends RequestHeaderNames {
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

  /** The first of proxy headers, certificate and token that names somebody; a bad one does not hide a good one after it. */
  async authenticate(credentials: Credentials): Promise<User> {
    const { certificate, bearerToken } = credentials;
    const proxied = this.#requestHeader(credentials);
    if (proxied !== undefined) return withAuthenticated(proxied);
    if (certificate !== undefined && certificate.commonName !== '') {
      return withAuthenticated({
        name: certificate.commonName,
        uid: '',
        groups: certificate.organizations,
        extra: { 'authentication.kubernetes.io/credential-id': [`X509SHA256=${certificate.fingerprint}`] },
      });
    }
    if (bearerToken !== undefined) {
      const user = await this.#options.tokens.authenticate(bearerToken);
      if (user === undefined) throw unauthorized();
      return withAuthenticated(user);
    }
    if (credentials.badCertificate === true || !this.#options.anonymousAuth) throw unauthorized();
    return anonymous;
  }

  #requestHeader({ headers, headerNames = [], proxy }: Credentials): User | undefined {
    const { requestHeader } = this.#options;
    if (!requestHeader.enabled || headers === undefined || proxy === undefined) return undefined;
    const allowed = requestHeader.allowedNames.length === 0 || requestHeader.allowedNames.includes(proxy.commonName);
    if (!allowed) return undefined;
    return proxiedUser(requestHeader, headerNames, headers);
  }
}

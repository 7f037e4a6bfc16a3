// Delegated authentication and authorisation of a component's own HTTPS port, as k8s.io/apiserver does it for components that are no
// API server: the connection's certificate, a proxy's headers or a token say who asks, the API server says what they may do.
import type { IncomingMessage } from 'node:http';
import type { PeerCertificate, TLSSocket } from 'node:tls';
import { type ApiError, apiError } from '@drydock/api/status.ts';
import type { Log } from '@drydock/foundation/log.ts';
import { headerValues, proxiedUser } from '@drydock/foundation/serving/request-header.ts';
import type { StatusAnswer } from '../status-server.ts';
import type { AccessReviews } from './access-reviews.ts';
import { anonymous, bearerTokenOf, type Caller, callerOfCertificate, commonNameOf, known } from './caller.ts';
import type { ClusterAuthentication } from './cluster-authentication.ts';
import { isForEverybody, type PathRules } from './path-rules.ts';
import type { TokenReviews } from './token-reviews.ts';

export interface GuardOptions {
  readonly authentication: ClusterAuthentication;
  /** Undefined without --authentication-kubeconfig: tokens say nothing. */
  readonly tokens: TokenReviews | undefined;
  /** Undefined without --authorization-kubeconfig: only `everybody` and system:masters may anything. */
  readonly reviews: AccessReviews | undefined;
  /** --authorization-always-allow-paths. */
  readonly everybody: PathRules;
  readonly log: Log;
}

/** May everything without a question (DelegatingAuthorizationOptions.AlwaysAllowGroups). */
const mastersGroup = 'system:masters';

export class AccessGuard {
  readonly #options: GuardOptions;

  constructor(options: GuardOptions) {
    this.#options = options;
  }

  get authentication(): ClusterAuthentication {
    return this.#options.authentication;
  }

  /**
   * What is answered instead; undefined where the caller may. `path` is decoded, and the one that is served. `trust` is called
   * where the caller is somebody.
   */
  async refusal(request: IncomingMessage, path: string, trust: () => void): Promise<StatusAnswer | undefined> {
    const caller = await this.#callerOf(request);
    if (caller === undefined) return statusOf(apiError('Unauthorized', 'Unauthorized'));
    if (caller !== anonymous) trust();
    const { everybody, reviews } = this.#options;
    if (caller.groups.includes(mastersGroup) || isForEverybody(everybody, path)) return undefined;
    const verb = (request.method ?? 'GET').toLowerCase();
    try {
      const answer = await reviews?.ask(caller, { nonResourceAttributes: { path, verb } });
      return answer?.allowed === true ? undefined : forbidden(caller, verb, path, answer?.reason ?? '');
    } catch (error) {
      this.#options.log.warn({ err: error, user: caller.user }, 'it cannot be found out who may what');
      return { code: 500, body: `Internal Server Error: ${JSON.stringify(path)}: ${(error as Error).message}\n` };
    }
  }

  /** Undefined: what was shown is not good. One good thing is enough, in this order: a proxy's word, a certificate, a token. */
  async #callerOf(request: IncomingMessage): Promise<Caller | undefined> {
    const shown = this.#fromConnection(request);
    if (typeof shown === 'object') return shown;
    const token = bearerTokenOf(request.headers.authorization);
    const { tokens, log } = this.#options;
    if (token === undefined || tokens === undefined) return shown === 'bad' ? undefined : anonymous;
    try {
      return await tokens.ownerOf(token);
    } catch (error) {
      log.warn({ err: error }, 'it cannot be found out whose a token is');
      return undefined;
    }
  }

  /** Without any authority that could vouch for a certificate, one says nothing. */
  #fromConnection(request: IncomingMessage): Caller | 'nothing' | 'bad' {
    const { authorities, now } = this.#options.authentication;
    const socket = request.socket as TLSSocket;
    const certificate: PeerCertificate = socket.getPeerCertificate();
    if (Object.keys(certificate).length === 0) return 'nothing';
    const signed = socket.authorized ? authorities.signersOf(socket) : { client: false, proxy: false };
    const { allowedNames } = now.requestHeader;
    const mayProxy = signed.proxy && (allowedNames.length === 0 || allowedNames.includes(commonNameOf(certificate)));
    const proxied = mayProxy
      ? proxiedUser(now.requestHeader, Object.keys(request.headers), (name) =>
          headerValues(request.rawHeaders, name.toLowerCase()),
        )
      : undefined;
    if (proxied !== undefined) {
      const { name: user, uid, groups, extra } = proxied;
      return known({ user, uid, groups, extra });
    }
    const own = signed.client ? callerOfCertificate(certificate) : undefined;
    if (own !== undefined) return own;
    const isBad = (now.clientCa !== undefined && !signed.client) || (now.proxyCa !== undefined && !mayProxy);
    return isBad ? 'bad' : 'nothing';
  }
}

function forbidden({ user }: Caller, verb: string, path: string, reason: string): StatusAnswer {
  const why = reason === '' ? '' : `: ${reason}`;
  const text = `forbidden: User ${JSON.stringify(user)} cannot ${verb} path ${JSON.stringify(path)}${why}`;
  return statusOf(apiError('Forbidden', text, {}));
}

/** As the original writes it, with line breaks. */
function statusOf({ code, status }: ApiError): StatusAnswer {
  return { code, body: JSON.stringify(status, undefined, 2), type: 'application/json' };
}

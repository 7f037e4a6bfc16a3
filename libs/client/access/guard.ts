// Delegated authentication and authorisation of a component's own HTTPS port, as k8s.io/apiserver does it for components that are no
// API server: the connection's certificate, a proxy's headers or a token say who asks, the API server says what they may do.
import type { IncomingMessage } from 'node:http';
import type { PeerCertificate, TLSSocket } from 'node:tls';
import { forbidden } from '@drydock/api/forbidden.ts';
import type { ResourceAttributes } from '@drydock/api/generated/types.ts';
import { apiError } from '@drydock/api/status.ts';
import type { Log } from '@drydock/foundation/log.ts';
import { headerValues, proxiedUser } from '@drydock/foundation/serving/request-header.ts';
import { type StatusAnswer, statusAnswerOf } from '../status-server.ts';
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

/** What is asked for: the very thing that is then served. */
export interface Wanted {
  /** Decoded. */
  readonly path: string;
  /** Where it is a resource of an API; `verb` and `resource` among them. */
  readonly attributes?: ResourceAttributes | undefined;
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

  /** What is answered instead; undefined where the caller may. `trust` is called where the caller is somebody. */
  async refusal(request: IncomingMessage, wanted: Wanted, trust: () => void): Promise<StatusAnswer | undefined> {
    const caller = await this.#callerOf(request);
    if (caller === undefined) return statusAnswerOf(apiError('Unauthorized', 'Unauthorized'));
    if (caller !== anonymous) trust();
    const { everybody, reviews } = this.#options;
    const { path, attributes } = wanted;
    // Rules about paths open no resources.
    if (caller.groups.includes(mastersGroup) || (attributes === undefined && isForEverybody(everybody, path))) return undefined;
    const verb = (request.method ?? 'GET').toLowerCase();
    try {
      const review = attributes === undefined ? { nonResourceAttributes: { path, verb } } : { resourceAttributes: attributes };
      const answer = await reviews?.ask(caller, review);
      return answer?.allowed === true ? undefined : refused(caller, verb, wanted, answer?.reason ?? '');
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

function refused({ user }: Caller, method: string, { path, attributes }: Wanted, reason: string): StatusAnswer {
  const { verb = method, group = '', resource = '', subresource = '', namespace = '', name = '' } = attributes ?? {};
  const isResource = attributes !== undefined;
  const asked = { user: { name: user }, verb, group, resource, subresource, namespace, name, path, isResource };
  return statusAnswerOf(forbidden(asked, reason));
}

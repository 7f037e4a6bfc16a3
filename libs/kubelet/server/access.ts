// Who may use the kubelet's servers: a client certificate or a bearer token says who asks (TokenReview), the API server says what
// they may do (SubjectAccessReview for this node and its subresources). pkg/kubelet/server/auth.go
import { createHash } from 'node:crypto';
import type { SubjectAccessReview, TokenReview } from '@drydock/api/generated/types.ts';
import type { Resource } from '@drydock/api/resource.ts';
import type { ApiClient } from '@drydock/client/api-client.ts';
import type { Clock } from '@drydock/foundation/clock.ts';
import type { AnswerTimes } from '../config.ts';
import { AnswerCache } from './answer-cache.ts';

export interface Caller {
  readonly user: string;
  readonly uid?: string | undefined;
  readonly groups: readonly string[];
}

/** What a verified client certificate says; the fields of node:tls. */
export interface CertificateSubject {
  readonly subject?: { readonly CN?: string | string[]; readonly O?: string | string[] } | undefined;
}

const accessReviews: Resource<SubjectAccessReview> = {
  group: 'authorization.k8s.io',
  version: 'v1',
  resource: 'subjectaccessreviews',
  kind: 'SubjectAccessReview',
  namespaced: false,
};
const tokenReviews: Resource<TokenReview> = {
  group: 'authentication.k8s.io',
  version: 'v1',
  resource: 'tokenreviews',
  kind: 'TokenReview',
  namespaced: false,
};
/** KubeletConfiguration's defaults: webhook.cacheTTL, cacheAuthorizedTTL, cacheUnauthorizedTTL. */
const usualTimes: AnswerTimes = { tokenMs: 120_000, allowedMs: 300_000, deniedMs: 30_000 };
/** Who does not say who they are, where that is allowed. */
export const anonymous: Caller = { user: 'system:anonymous', groups: ['system:unauthenticated'] };
/** A longer token is no token of ours; it is not worth a request. */
const tokenBytesMax = 16 << 10;

export interface NodeAccessOptions {
  readonly client: ApiClient;
  readonly clock: Clock;
  readonly nodeName: string;
  /** `authorization.mode: Webhook`; otherwise whoever is known may do everything. */
  readonly webhook: boolean;
  /** `authentication.anonymous.enabled`: who says nothing of themselves is `system:anonymous`. */
  readonly anonymous?: boolean | undefined;
  /** `authentication.webhook.enabled`: the API server is asked whose a token is; yes unless said. */
  readonly tokenWebhook?: boolean | undefined;
  readonly times?: AnswerTimes | undefined;
}

/** One per kubelet: what is remembered is about its node. */
export class NodeAccess {
  readonly #options: NodeAccessOptions;
  readonly #tokens: AnswerCache<Caller | undefined>;
  readonly #allowed: AnswerCache<boolean>;

  constructor(options: NodeAccessOptions) {
    this.#options = options;
    this.#tokens = new AnswerCache(options.clock);
    this.#allowed = new AnswerCache(options.clock);
  }

  /**
   * Undefined: nobody knows who asks. `certificate`: one that was verified; `isRefused`: there was another. Rejects where the API
   * server does not answer.
   */
  async callerOf(
    certificate: CertificateSubject | undefined,
    authorization: string | undefined,
    isRefused = false,
  ): Promise<Caller | undefined> {
    const user = [certificate?.subject?.CN ?? ''].flat()[0] ?? '';
    if (user !== '') return { user, groups: [...[certificate?.subject?.O ?? []].flat(), 'system:authenticated'] };
    const token = /^Bearer +(\S+)$/i.exec(authorization ?? '')?.[1];
    const { anonymous: isAllowed = false, tokenWebhook = true } = this.#options;
    // What was shown and is not good does not become nothing.
    if (token === undefined) return isAllowed && !isRefused ? anonymous : undefined;
    return tokenWebhook && token.length <= tokenBytesMax ? this.#ownerOf(token) : undefined;
  }

  /** Whether one of the subresources of this node is enough; they are asked in turn. Rejects where the API server does not answer. */
  async allows(caller: Caller, verb: string, subresources: readonly string[]): Promise<boolean> {
    if (!this.#options.webhook) return true;
    for (const subresource of subresources) if (await this.#allows(caller, verb, subresource)) return true;
    return false;
  }

  async #allows({ user, uid, groups }: Caller, verb: string, subresource: string): Promise<boolean> {
    const key = JSON.stringify([user, uid, groups, verb, subresource]);
    const known = this.#allowed.get(key);
    if (known !== undefined) return known.value;
    const resourceAttributes = { verb, version: 'v1', resource: 'nodes', subresource, name: this.#options.nodeName };
    const review: SubjectAccessReview = {
      apiVersion: 'authorization.k8s.io/v1',
      kind: 'SubjectAccessReview',
      metadata: {},
      spec: { user, groups: [...groups], ...(uid === undefined ? {} : { uid }), resourceAttributes },
    };
    const answer = await this.#options.client.create(accessReviews, review);
    const allowed = answer.status?.allowed === true && answer.status.denied !== true;
    const { allowedMs, deniedMs } = this.#options.times ?? usualTimes;
    this.#allowed.set(key, allowed, allowed ? allowedMs : deniedMs);
    return allowed;
  }

  async #ownerOf(token: string): Promise<Caller | undefined> {
    const key = createHash('sha256').update(token).digest('base64');
    const known = this.#tokens.get(key);
    if (known !== undefined) return known.value;
    const review: TokenReview = {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenReview',
      metadata: {},
      spec: { token },
    };
    const { status } = await this.#options.client.create(tokenReviews, review);
    const { username = '', uid, groups = [] } = status?.user ?? {};
    const caller = status?.authenticated === true && username !== '' ? { user: username, uid, groups } : undefined;
    this.#tokens.set(key, caller, (this.#options.times ?? usualTimes).tokenMs);
    return caller;
  }
}

// Who may use the kubelet's servers: a client certificate or a bearer token says who asks (TokenReview), the API server says what
// they may do (SubjectAccessReview for this node and its subresources). pkg/kubelet/server/auth.go
import { AccessReviews } from '@drydock/client/access/access-reviews.ts';
import {
  anonymous,
  bearerTokenOf,
  type Caller,
  type CertificateSubject,
  callerOfCertificate,
} from '@drydock/client/access/caller.ts';
import { TokenReviews } from '@drydock/client/access/token-reviews.ts';
import type { ApiClient } from '@drydock/client/api-client.ts';
import type { Clock } from '@drydock/foundation/clock.ts';
import type { AnswerTimes } from '../config.ts';

/** KubeletConfiguration's defaults: webhook.cacheTTL, cacheAuthorizedTTL, cacheUnauthorizedTTL. */
const usualTimes: AnswerTimes = { tokenMs: 120_000, allowedMs: 300_000, deniedMs: 30_000 };

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
  readonly #tokens: TokenReviews;
  readonly #reviews: AccessReviews;

  constructor(options: NodeAccessOptions) {
    const { client, clock, times = usualTimes } = options;
    this.#options = options;
    this.#tokens = new TokenReviews(client, clock, times.tokenMs);
    this.#reviews = new AccessReviews(client, clock, times);
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
    const shown = certificate === undefined ? undefined : callerOfCertificate(certificate);
    if (shown !== undefined) return shown;
    const token = bearerTokenOf(authorization);
    const { anonymous: isAllowed = false, tokenWebhook = true } = this.#options;
    // What was shown and is not good does not become nothing.
    if (token === undefined) return isAllowed && !isRefused ? anonymous : undefined;
    return tokenWebhook ? this.#tokens.ownerOf(token) : undefined;
  }

  /** Whether one of the subresources of this node is enough; they are asked in turn. Rejects where the API server does not answer. */
  async allows(caller: Caller, verb: string, subresources: readonly string[]): Promise<boolean> {
    const { webhook, nodeName: name } = this.#options;
    if (!webhook) return true;
    for (const subresource of subresources) {
      const resourceAttributes = { verb, version: 'v1', resource: 'nodes', subresource, name };
      if ((await this.#reviews.ask(caller, { resourceAttributes })).allowed) return true;
    }
    return false;
  }
}

// Whose a bearer token is, as the API server says (TokenReview).
import { createHash } from 'node:crypto';
import type { TokenReview } from '@drydock/api/generated/types.ts';
import type { Resource } from '@drydock/api/resource.ts';
import type { Clock } from '@drydock/foundation/clock.ts';
import type { ApiClient } from '../api-client.ts';
import { reviewTimeoutMs, tokenBytesMax } from '../limits.ts';
import { AnswerCache } from './answer-cache.ts';
import { type Caller, callerOfReview } from './caller.ts';

const tokenReviews: Resource<TokenReview> = {
  group: 'authentication.k8s.io',
  version: 'v1',
  resource: 'tokenreviews',
  kind: 'TokenReview',
  namespaced: false,
};

/** Remembers each answer, also that a token is nobody's, for `forMs`. */
export class TokenReviews {
  readonly #client: ApiClient;
  readonly #forMs: number;
  readonly #answers: AnswerCache<Caller | undefined>;

  constructor(client: ApiClient, clock: Pick<Clock, 'monotonicMs'>, forMs: number) {
    this.#client = client;
    this.#forMs = forMs;
    this.#answers = new AnswerCache(clock);
  }

  /** Undefined: nobody's. Rejects where the API server does not answer; that is not remembered. */
  async ownerOf(token: string): Promise<Caller | undefined> {
    if (token.length > tokenBytesMax) return undefined;
    const key = createHash('sha256').update(token).digest('base64');
    const remembered = this.#answers.get(key);
    if (remembered !== undefined) return remembered.value;
    const review: TokenReview = {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenReview',
      metadata: {},
      spec: { token },
    };
    const { status } = await this.#client.create(tokenReviews, review, { timeoutMs: reviewTimeoutMs });
    const caller = status?.authenticated === true ? callerOfReview(status.user ?? {}) : undefined;
    this.#answers.set(key, caller, this.#forMs);
    return caller;
  }
}

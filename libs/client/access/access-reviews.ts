// What somebody may do, as the API server says (SubjectAccessReview).
import type { SubjectAccessReview, SubjectAccessReviewSpec } from '@drydock/api/generated/types.ts';
import type { Resource } from '@drydock/api/resource.ts';
import type { Clock } from '@drydock/foundation/clock.ts';
import type { ApiClient } from '../api-client.ts';
import { rememberedKeyCharsMax, reviewTimeoutMs } from '../limits.ts';
import { AnswerCache } from './answer-cache.ts';
import type { Caller } from './caller.ts';

const accessReviews: Resource<SubjectAccessReview> = {
  group: 'authorization.k8s.io',
  version: 'v1',
  resource: 'subjectaccessreviews',
  kind: 'SubjectAccessReview',
  namespaced: false,
};

/** How long answers are good, in milliseconds. */
export interface AccessTimes {
  readonly allowedMs: number;
  readonly deniedMs: number;
}

export interface AccessAnswer {
  readonly allowed: boolean;
  /** Why, where the API server says so. */
  readonly reason: string;
}

export class AccessReviews {
  readonly #client: ApiClient;
  readonly #times: AccessTimes;
  readonly #answers: AnswerCache<AccessAnswer>;

  constructor(client: ApiClient, clock: Pick<Clock, 'monotonicMs'>, times: AccessTimes) {
    this.#client = client;
    this.#times = times;
    this.#answers = new AnswerCache(clock);
  }

  /** Rejects where the API server does not answer; that is not remembered, nor is what a long question was answered. */
  async ask(
    { user, uid, groups, extra }: Caller,
    attributes: Pick<SubjectAccessReviewSpec, 'resourceAttributes' | 'nonResourceAttributes'>,
  ): Promise<AccessAnswer> {
    const key = JSON.stringify([user, uid, groups, extra, attributes]);
    const remembered = this.#answers.get(key);
    if (remembered !== undefined) return remembered.value;
    const said = { ...(uid ? { uid } : {}), ...(extra === undefined ? {} : { extra: listsOf(extra) }) };
    const review: SubjectAccessReview = {
      apiVersion: 'authorization.k8s.io/v1',
      kind: 'SubjectAccessReview',
      metadata: {},
      spec: { user, groups: [...groups], ...said, ...attributes },
    };
    const { status } = await this.#client.create(accessReviews, review, { timeoutMs: reviewTimeoutMs });
    const answer = { allowed: status?.allowed === true && status.denied !== true, reason: status?.reason ?? '' };
    const { allowedMs, deniedMs } = this.#times;
    if (key.length <= rememberedKeyCharsMax) this.#answers.set(key, answer, answer.allowed ? allowedMs : deniedMs);
    return answer;
  }
}

function listsOf(extra: Readonly<Record<string, readonly string[]>>): Record<string, string[]> {
  return Object.fromEntries(Object.entries(extra).map(([key, values]) => [key, [...values]]));
}

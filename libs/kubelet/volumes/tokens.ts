// Service-account tokens of pods, asked for with TokenRequest and renewed at 80% of their life (pkg/kubelet/token).
import type { AuthenticationTokenRequest, Pod } from '@drydock/api/generated/types.ts';
import { serviceAccounts } from '@drydock/api/resource.ts';
import type { ApiClient } from '@drydock/client/api-client.ts';
import type { Clock } from '@drydock/foundation/clock.ts';

const renewAfterShare = 0.8;
const renewAfterMaxMs = 24 * 3_600_000;

export interface KeptToken {
  readonly token: string;
  /** RFC 3339. */
  readonly expirationTimestamp: string;
  readonly renewAtMs: number;
  readonly expiresAtMs: number;
}

export class TokenCache {
  readonly #client: ApiClient;
  readonly #clock: Clock;
  readonly #kept = new Map<string, KeptToken>();

  constructor(client: ApiClient, clock: Clock) {
    this.#client = client;
    this.#clock = clock;
  }

  /** Gets every token that the pod's volumes need; the function gives them afterwards. Throws ApiError. */
  async prepare(pod: Pod): Promise<(audience: string, expirationSeconds: number) => string> {
    const uid = pod.metadata?.uid ?? '';
    for (const { projected } of pod.spec?.volumes ?? []) {
      for (const { serviceAccountToken } of projected?.sources ?? []) {
        if (serviceAccountToken !== undefined)
          await this.get(pod, serviceAccountToken.audience ?? '', Number(serviceAccountToken.expirationSeconds ?? 3600));
      }
    }
    return (audience, seconds) => this.#kept.get(`${uid}/${audience}/${seconds}`)?.token ?? '';
  }

  forget(uid: string): void {
    for (const key of [...this.#kept.keys()]) if (key.startsWith(`${uid}/`)) this.#kept.delete(key);
  }

  /** One that is good for a while. Throws ApiError. */
  async get(pod: Pod, audience: string, expirationSeconds: number): Promise<KeptToken> {
    const { uid = '', name = '', namespace = '' } = pod.metadata ?? {};
    const key = `${uid}/${audience}/${expirationSeconds}`;
    const now = this.#clock.wallMs();
    const kept = this.#kept.get(key);
    if (kept !== undefined && now < kept.renewAtMs) return kept;
    const request: AuthenticationTokenRequest = {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenRequest',
      metadata: { name: pod.spec?.serviceAccountName ?? 'default', namespace },
      spec: {
        audiences: audience === '' ? [] : [audience],
        expirationSeconds,
        boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name, uid },
      },
    };
    let answer: AuthenticationTokenRequest;
    try {
      answer = await this.#client.create(serviceAccounts, request, { subresource: 'token' });
    } catch (error) {
      // While the apiserver is away, a token that is still good will do.
      if (kept !== undefined && now < kept.expiresAtMs) return kept;
      throw error;
    }
    const { token = '', expirationTimestamp = '' } = answer.status ?? {};
    const expiresAtMs = Date.parse(expirationTimestamp);
    const got = {
      token,
      expirationTimestamp,
      renewAtMs: now + Math.min((expiresAtMs - now) * renewAfterShare, renewAfterMaxMs),
      expiresAtMs,
    };
    this.#kept.set(key, got);
    return got;
  }
}

// May this user do this? The modes are asked in the order of --authorization-mode; the first that says yes decides.
import type { Denied } from '@drydock/api/forbidden.ts';
import type { User } from '../request.ts';

/** What is asked (authorizer.Attributes). For non-resource requests only `verb` and `path` count. */
export interface Attributes extends Denied {
  readonly user: User;
  readonly version: string;
  /** Of list, watch and deletecollection. */
  readonly fieldSelector?: string | undefined;
}

export interface Decision {
  readonly allowed: boolean;
  readonly reason: string;
}

/** One authorisation mode. Synchronous: it decides on what the caches hold. */
export interface AuthorizerMode {
  authorize(attributes: Attributes): Decision;
}

export class Authorizer {
  readonly #modes: readonly AuthorizerMode[];

  constructor(modes: readonly AuthorizerMode[]) {
    this.#modes = modes;
  }

  authorize(attributes: Attributes): Decision {
    if (attributes.user.groups.includes('system:masters')) return { allowed: true, reason: '' };
    const reasons: string[] = [];
    for (const mode of this.#modes) {
      const decision = mode.authorize(attributes);
      if (decision.allowed) return decision;
      if (decision.reason !== '') reasons.push(decision.reason);
    }
    return { allowed: false, reason: reasons.join(', ') };
  }
}

/** --authorization-mode=AlwaysAllow. */
export const alwaysAllow: AuthorizerMode = { authorize: () => ({ allowed: true, reason: '' }) };

/** --authorization-mode=AlwaysDeny. */
export const alwaysDeny: AuthorizerMode = {
  authorize: () => ({ allowed: false, reason: 'Everything is forbidden.' }),
};

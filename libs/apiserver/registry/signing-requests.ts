// What the server says in a certificate signing request: who asked, and when conditions changed
// (pkg/registry/certificates/certificates/strategy.go).
import type { CertificateSigningRequest } from '@drydock/api/generated/types.ts';
import { type Clock, formatTime } from '@drydock/foundation/clock.ts';
import type { ResourceHooks } from './hooks.ts';

type Spec = NonNullable<CertificateSigningRequest['spec']>;

/** Nobody speaks for someone else: the four fields of identity are the requester's, or empty. */
export function signingRequestHooks(clock: Clock): ResourceHooks {
  return {
    async beforeCreate(object, { user }) {
      const request = object as CertificateSigningRequest;
      const { username: _name, groups: _groups, uid: _uid, extra: _extra, ...asked } = (request.spec ?? {}) as Spec;
      const extra = Object.entries(user.extra).map(([key, values]): [string, string[]] => [key, [...values]]);
      request.spec = {
        ...asked,
        username: user.name,
        groups: [...user.groups],
        ...(user.uid === '' ? {} : { uid: user.uid }),
        ...(extra.length === 0 ? {} : { extra: Object.fromEntries(extra) }),
      };
      return undefined;
    },
    async beforeUpdate(object, old, { subresource }) {
      if (subresource !== '') setTimes(object as CertificateSigningRequest, old as CertificateSigningRequest, clock.wallMs());
      return undefined;
    },
  };
}

function setTimes(request: CertificateSigningRequest, old: CertificateSigningRequest, nowMs: number): void {
  const now = formatTime(nowMs);
  const before = old.status?.conditions ?? [];
  for (const condition of request.status?.conditions ?? []) {
    condition.lastUpdateTime ??= now;
    if (condition.lastTransitionTime !== undefined) continue;
    const same = before.find(({ type, status }) => type === condition.type && status === condition.status);
    condition.lastTransitionTime = same?.lastTransitionTime ?? now;
  }
}

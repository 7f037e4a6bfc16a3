// Who asks a component: what a client certificate, an authenticating proxy or the API server says of them.
import type { UserInfo } from '@drydock/api/generated/types.ts';

/** user.Info of k8s.io/apiserver. */
export interface Caller {
  readonly user: string;
  readonly uid?: string | undefined;
  readonly groups: readonly string[];
  readonly extra?: Readonly<Record<string, readonly string[]>> | undefined;
}

/** What a verified client certificate says; the fields of node:tls. */
export interface CertificateSubject {
  readonly subject?: { readonly CN?: string | string[]; readonly O?: string | string[] } | undefined;
  readonly fingerprint256?: string | undefined;
}

const authenticatedGroup = 'system:authenticated';

/** Who does not say who they are, where that is allowed. */
export const anonymous: Caller = { user: 'system:anonymous', groups: ['system:unauthenticated'] };

export function commonNameOf({ subject }: CertificateSubject): string {
  return [subject?.CN ?? ''].flat()[0] ?? '';
}

/** Undefined for a certificate without a common name: it is nobody's. */
export function callerOfCertificate(certificate: CertificateSubject): Caller | undefined {
  const user = commonNameOf(certificate);
  if (user === '') return undefined;
  const { subject, fingerprint256 } = certificate;
  const hash = fingerprint256?.replaceAll(':', '').toLowerCase();
  const extra = hash === undefined ? {} : { 'authentication.kubernetes.io/credential-id': [`X509SHA256=${hash}`] };
  return known({ user, groups: [subject?.O ?? []].flat(), extra });
}

/** The user of a TokenReview; undefined where it names nobody. */
export function callerOfReview({ username = '', uid, groups = [], extra }: UserInfo): Caller | undefined {
  return username === '' ? undefined : known({ user: username, uid, groups, extra });
}

/** As somebody who has said who they are. */
export function known(caller: Caller): Caller {
  const { user, groups } = caller;
  if (user === anonymous.user || groups.includes(authenticatedGroup)) return caller;
  return { ...caller, groups: [...groups, authenticatedGroup] };
}

/** The token of an Authorization header; undefined where it has none. */
export function bearerTokenOf(authorization: string | undefined): string | undefined {
  return /^Bearer +(\S+)/i.exec(authorization ?? '')?.[1];
}

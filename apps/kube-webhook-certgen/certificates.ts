// A new authority, and a certificate of it for a webhook's server. The authority's key is not kept: it signs nothing more.
import type { RandomStream } from '@drydock/foundation/random.ts';
import { Authority } from '@drydock/pki/authority.ts';
import { authorityValidityMs, servingCertificate } from '@drydock/pki/certificate.ts';

export interface WebhookCertificate {
  readonly caPem: string;
  readonly certificatePem: string;
  readonly keyPem: string;
}

/** For these names and addresses. Nobody makes it anew: it is valid as long as its authority is. */
export async function makeCertificate(
  hosts: readonly string[],
  nowMs: number,
  random: RandomStream,
): Promise<WebhookCertificate> {
  const ca = await Authority.create('kube-webhook-certgen', nowMs, random);
  const authority = await Authority.load(ca, random);
  const request = { ...servingCertificate(hosts[0] ?? 'webhook', hosts), validMs: authorityValidityMs };
  return { caPem: ca.certificatePem, ...(await authority.issue(request, nowMs)) };
}

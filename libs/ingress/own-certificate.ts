// The certificate that is served where no other fits: made anew by every controller, believed by nobody.
import type { RandomStream } from '@drydock/foundation/random.ts';

/** ingress-nginx's name for it. */
const fakeCertificateName = 'Kubernetes Ingress Controller Fake Certificate';
const host = 'ingress.local';

/** Loads the X.509 library, which takes 60 ms. */
export async function ownCertificatePair(
  nowMs: number,
  random: RandomStream,
): Promise<{ certificatePem: string; keyPem: string }> {
  const { Authority } = await import('@drydock/pki/authority.ts');
  const authority = await Authority.load(await Authority.create(fakeCertificateName, nowMs, random), random);
  return authority.issue(
    { commonName: fakeCertificateName, organizations: ['Acme Co'], dnsNames: [host], ips: [], usages: ['server'] },
    nowMs,
  );
}

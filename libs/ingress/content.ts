// A routing plan as what the data plane works by. Pure.
import { createHash } from 'node:crypto';
import type { DataPlaneContent } from './data-plane.ts';
import type { RoutingPlan } from './model.ts';
import { backendsText } from './nginx/backends-text.ts';
import { nginxConfig } from './nginx/config.ts';
import { certificateName, generationPlace, type NginxOptions, ownCertificate } from './nginx/options.ts';
import type { Settings } from './settings.ts';

export interface CertifiedKey {
  readonly certificatePem: string;
  readonly keyPem: string;
}

/**
 * The content, and a name for its configuration: two plans with the same name differ in nothing that takes a reload. Certificates and
 * passwords are part of it: nginx reads the former at a reload.
 */
export function contentOf(
  plan: RoutingPlan,
  settings: Settings,
  own: CertifiedKey,
  options: NginxOptions,
): { readonly content: DataPlaneContent; readonly generation: string } {
  const certificates = new Map<string, CertifiedKey>([[ownCertificate, own]]);
  for (const [secret, { certificatePem, keyPem }] of plan.certificates)
    certificates.set(certificateName(secret), { certificatePem, keyPem });
  const config = nginxConfig(plan, settings, options);
  const hash = createHash('sha256').update(config);
  for (const [name, { certificatePem, keyPem }] of certificates) hash.update(`\0${name}\0${certificatePem}\0${keyPem}`);
  for (const [name, text] of plan.passwordFiles) hash.update(`\0${name}\0${text}`);
  const generation = hash.digest('hex').slice(0, 16);
  return {
    generation,
    content: {
      config: config.replace(generationPlace, generation),
      backends: backendsText(plan),
      certificates,
      passwords: plan.passwordFiles,
    },
  };
}

// CertificateSigningRequest of certificates.k8s.io/v1beta1.
import type { JsonObject } from '../json.ts';
import type { Warn } from './convert.ts';
import { fillIn, objectAt } from './fields.ts';

/** v1 asks who is to sign, and for what; v1beta1 guessed the one and had defaults for the other. */
export function signingRequest(object: JsonObject, _: string, warn: Warn): void {
  const spec = objectAt(object, 'spec');
  fillIn(spec, { usages: ['digital signature', 'key encipherment'] });
  if (spec.signerName === undefined)
    warn('spec.signerName is required: for example kubernetes.io/kube-apiserver-client for a user of the cluster');
}

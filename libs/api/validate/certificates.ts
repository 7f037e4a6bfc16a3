// Rules of certificate signing requests (pkg/apis/certificates/validation). Whether the request decodes is asked elsewhere.
import type { CertificateSigningRequest, CertificateSigningRequestCondition as Condition } from '../generated/types.ts';
import { dns1123SubdomainErrors } from '../names.ts';
import { rules } from './define.ts';
import { duplicate, type FieldError, forbidden, invalid, notSupported, required } from './field-error.ts';

/** Sorted, as upstream lists them. */
const usages = [
  'any',
  'cert sign',
  'client auth',
  'code signing',
  'content commitment',
  'crl sign',
  'data encipherment',
  'decipher only',
  'digital signature',
  'email protection',
  'encipher only',
  'ipsec end system',
  'ipsec tunnel',
  'ipsec user',
  'key agreement',
  'key encipherment',
  'microsoft sgc',
  'netscape sgc',
  'ocsp signing',
  's/mime',
  'server auth',
  'signing',
  'timestamping',
];
const minSeconds = 600;
const final = ['Approved', 'Denied', 'Failed'];
const decisions = ['Approved', 'Denied'];

export const certificateRules = [
  rules<CertificateSigningRequest>('certificates.k8s.io/CertificateSigningRequest', {
    create: (request) => [...validateSpec(request), ...validateConditions(request)],
    update: (request, old) => [...validateConditions(request), ...removed(request, old)],
    subresources: {
      approval: (request, old) => [...validateConditions(request), ...removed(request, old)],
      status: (request, old) => [
        ...validateConditions(request),
        ...validateCertificate(request),
        ...removed(request, old),
        ...added(request, old),
        ...replaced(request, old),
      ],
    },
  }),
];

function validateSpec({ spec }: CertificateSigningRequest): FieldError[] {
  const errors: FieldError[] = [];
  const text = Buffer.from(spec?.request ?? '', 'base64').toString();
  if (!text.includes('-----BEGIN CERTIFICATE REQUEST-----'))
    errors.push(invalid('spec.request', spec?.request || undefined, 'PEM block type must be CERTIFICATE REQUEST'));
  if ((spec?.usages ?? []).length === 0) errors.push(required('spec.usages'));
  const seen = new Set<string>();
  (spec?.usages ?? []).forEach((usage, index) => {
    if (!usages.includes(usage)) errors.push(notSupported(`spec.usages[${index}]`, usage, usages));
    if (seen.has(usage)) errors.push(duplicate(`spec.usages[${index}]`, usage));
    seen.add(usage);
  });
  errors.push(...validateSigner(spec?.signerName ?? ''));
  const seconds = spec?.expirationSeconds;
  if (seconds !== undefined && seconds < minSeconds)
    errors.push(invalid('spec.expirationSeconds', seconds, 'may not specify a duration less than 600 seconds (10 minutes)'));
  return errors;
}

function validateSigner(name: string): FieldError[] {
  const path = 'spec.signerName';
  if (name === '') return [required(path)];
  if (name === 'kubernetes.io/legacy-unknown')
    return [invalid(path, name, 'the legacy signerName is not allowed via this API version')];
  const [domain = '', signer, ...more] = name.split('/');
  const malformed =
    signer === undefined || more.length > 0 || !domain.includes('.') || dns1123SubdomainErrors(domain).length > 0;
  if (malformed || dns1123SubdomainErrors(signer).length > 0)
    return [invalid(path, name, "must be a fully qualified domain and path of the form 'example.com/signer-name'")];
  return [];
}

function conditionsOf(request: CertificateSigningRequest): readonly Condition[] {
  return request.status?.conditions ?? [];
}

function validateConditions(request: CertificateSigningRequest): FieldError[] {
  const errors: FieldError[] = [];
  const seen = new Set<string>();
  conditionsOf(request).forEach(({ type, status }, index) => {
    const at = `status.conditions[${index}]`;
    if (!type) errors.push(required(`${at}.type`));
    const allowed = final.includes(type) ? ['True'] : ['False', 'True', 'Unknown'];
    if (!status) errors.push(required(`${at}.status`));
    else if (!allowed.includes(status)) errors.push(notSupported(`${at}.status`, status, allowed));
    if (type === 'Approved' || type === 'Denied') {
      const other = type === 'Approved' ? 'Denied' : 'Approved';
      if (seen.has(other))
        errors.push(invalid('status.conditions', type, 'Approved and Denied conditions are mutually exclusive'));
    }
    if (seen.has(type)) errors.push(duplicate(`${at}.type`, type));
    seen.add(type);
  });
  return errors;
}

function count(request: CertificateSigningRequest, type: string): number {
  return conditionsOf(request).filter((condition) => condition.type === type).length;
}

function removed(request: CertificateSigningRequest, old: CertificateSigningRequest): FieldError[] {
  return final
    .filter((type) => count(request, type) < count(old, type))
    .map((type) => forbidden('status.conditions', `updates may not remove a condition of type ${JSON.stringify(type)}`));
}

function added(request: CertificateSigningRequest, old: CertificateSigningRequest): FieldError[] {
  return decisions
    .filter((type) => count(request, type) > count(old, type))
    .map((type) => forbidden('status.conditions', `updates may not add a condition of type ${JSON.stringify(type)}`));
}

function validateCertificate({ status }: CertificateSigningRequest): FieldError[] {
  if (!status?.certificate) return [];
  const pem = Buffer.from(status.certificate, 'base64').toString();
  if (pem.includes('-----BEGIN CERTIFICATE-----')) return [];
  return [invalid('status.certificate', '<certificate data>', 'must contain at least one CERTIFICATE PEM block')];
}

function replaced(request: CertificateSigningRequest, old: CertificateSigningRequest): FieldError[] {
  const before = old.status?.certificate ?? '';
  if (before === '' || before === (request.status?.certificate ?? '')) return [];
  return [forbidden('status.certificate', 'updates may not modify existing certificate content')];
}

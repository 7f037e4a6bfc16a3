// Rows of roles, bindings, certificates and admission.
import type {
  APIService,
  CertificateSigningRequest,
  ClusterRoleBinding,
  MutatingAdmissionPolicy,
  MutatingWebhookConfiguration,
  RbacSubject,
  RoleBinding,
  ValidatingAdmissionPolicy,
  ValidatingAdmissionPolicyBinding,
  ValidatingWebhookConfiguration,
} from '../generated/types.ts';
import { humanDuration } from '../human-duration.ts';
import { type Cell, createdAge, nameOf, none, printer, unset } from './cells.ts';

const group = 'admissionregistration.k8s.io';

export const accessPrinters = [
  printer<RoleBinding>('rbac.authorization.k8s.io/RoleBinding', printBinding),
  printer<ClusterRoleBinding>('rbac.authorization.k8s.io/ClusterRoleBinding', printBinding),
  printer<CertificateSigningRequest>('certificates.k8s.io/CertificateSigningRequest', (object, now) => [
    nameOf(object),
    createdAge(object, now),
    object.spec.signerName || '<none>',
    object.spec.username ?? '',
    object.spec.expirationSeconds === undefined ? none : humanDuration(object.spec.expirationSeconds * 1000),
    requestStatus(object),
  ]),
  printer<ValidatingWebhookConfiguration>(`${group}/ValidatingWebhookConfiguration`, (object, now) => [
    nameOf(object),
    object.webhooks?.length ?? 0,
    createdAge(object, now),
  ]),
  printer<MutatingWebhookConfiguration>(`${group}/MutatingWebhookConfiguration`, (object, now) => [
    nameOf(object),
    object.webhooks?.length ?? 0,
    createdAge(object, now),
  ]),
  printer<ValidatingAdmissionPolicy>(`${group}/ValidatingAdmissionPolicy`, (object, now) => [
    nameOf(object),
    object.spec?.validations?.length ?? 0,
    paramKind(object.spec?.paramKind),
    createdAge(object, now),
  ]),
  printer<MutatingAdmissionPolicy>(`${group}/MutatingAdmissionPolicy`, (object, now) => [
    nameOf(object),
    object.spec?.mutations?.length ?? 0,
    paramKind(object.spec?.paramKind),
    createdAge(object, now),
  ]),
  printer<ValidatingAdmissionPolicyBinding>(`${group}/ValidatingAdmissionPolicyBinding`, printPolicyBinding),
  printer<ValidatingAdmissionPolicyBinding>(`${group}/MutatingAdmissionPolicyBinding`, printPolicyBinding),
  printer<APIService>('apiregistration.k8s.io/APIService', (object, now) => [
    nameOf(object),
    object.spec?.service === undefined ? 'Local' : `${object.spec.service.namespace}/${object.spec.service.name}`,
    available(object),
    createdAge(object, now),
  ]),
];

function printBinding(binding: RoleBinding | ClusterRoleBinding, now: number): Cell[] {
  return [
    nameOf(binding),
    `${binding.roleRef.kind}/${binding.roleRef.name}`,
    createdAge(binding, now),
    subjectsOf(binding.subjects, 'User'),
    subjectsOf(binding.subjects, 'Group'),
    subjectsOf(binding.subjects, 'ServiceAccount'),
  ];
}

function subjectsOf(subjects: readonly RbacSubject[] | undefined, kind: string): string {
  return (subjects ?? [])
    .filter((subject) => subject.kind === kind)
    .map((subject) => (kind === 'ServiceAccount' ? `${subject.namespace ?? ''}/${subject.name}` : subject.name))
    .join(', ');
}

function requestStatus({ status }: CertificateSigningRequest): string {
  const types = (status?.conditions ?? []).map((condition) => condition.type);
  const named = types.filter((type) => type === 'Approved' || type === 'Denied');
  let text = named.includes('Denied') ? 'Denied' : named.includes('Approved') ? 'Approved' : 'Pending';
  if (types.includes('Failed')) text += ',Failed';
  if ((status?.certificate ?? '') !== '') text += ',Issued';
  return text;
}

function paramKind(kind: { apiVersion?: string | undefined; kind?: string | undefined } | undefined): string {
  return kind === undefined ? unset : `${kind.apiVersion ?? ''}/${kind.kind ?? ''}`;
}

function printPolicyBinding(object: ValidatingAdmissionPolicyBinding, now: number): Cell[] {
  const ref = object.spec?.paramRef;
  const name = ref?.namespace ? `${ref.namespace}/${ref.name ?? ''}` : (ref?.name ?? '*');
  return [nameOf(object), object.spec?.policyName ?? '', ref === undefined ? unset : name, createdAge(object, now)];
}

function available(object: APIService): string {
  const condition = object.status?.conditions?.find((candidate) => candidate.type === 'Available');
  if (condition === undefined) return 'Unknown';
  return condition.status === 'True' ? 'True' : `${condition.status} (${condition.reason ?? ''})`;
}

// Rules of APIServices (k8s.io/kube-aggregator/pkg/apis/apiregistration/validation).
import type { APIService, APIServiceSpec } from '../generated/types.ts';
import { dns1035LabelErrors, dns1123SubdomainErrors, portNumberErrors } from '../names.ts';
import { rules } from './define.ts';
import { type FieldError, invalid, required } from './field-error.ts';

export const apiServiceRules = [
  rules<APIService>('apiregistration.k8s.io/APIService', { create: validateApiService, update: validateApiService }),
];

const groupPriorityMax = 20_000;
const versionPriorityMax = 1_000;

function validateApiService({ metadata, spec }: APIService): FieldError[] {
  const { group = '', version = '', groupPriorityMinimum = 0, versionPriority = 0 } = spec ?? {};
  const errors: FieldError[] = [];
  const name = `${version}.${group}`;
  if (metadata?.name !== name)
    errors.push(invalid('metadata.name', metadata?.name, `must be \`spec.version+"."+spec.group\`: ${JSON.stringify(name)}`));
  if (group === '' && version !== 'v1')
    errors.push(required('spec.group', 'only v1 may have an empty group and it better be legacy kube'));
  if (group !== '') errors.push(...dns1123SubdomainErrors(group).map((text) => invalid('spec.group', group, text)));
  errors.push(...dns1035LabelErrors(version).map((text) => invalid('spec.version', version, text)));
  if (groupPriorityMinimum <= 0 || groupPriorityMinimum > groupPriorityMax)
    errors.push(invalid('spec.groupPriorityMinimum', groupPriorityMinimum, 'must be positive and less than 20000'));
  if (versionPriority <= 0 || versionPriority > versionPriorityMax)
    errors.push(invalid('spec.versionPriority', versionPriority, 'must be positive and less than 1000'));
  return [...errors, ...(spec === undefined ? [] : validateBackend(spec))];
}

function validateBackend({ service, caBundle = '', insecureSkipTLSVerify = false }: APIServiceSpec): FieldError[] {
  const errors: FieldError[] = [];
  if (service === undefined) {
    const bytes = `${Buffer.from(caBundle, 'base64').length} bytes`;
    if (caBundle !== '') errors.push(invalid('spec.caBundle', bytes, 'local APIServices may not have a caBundle'));
    if (insecureSkipTLSVerify)
      errors.push(invalid('spec.insecureSkipTLSVerify', true, 'local APIServices may not have insecureSkipTLSVerify'));
    return errors;
  }
  if (!service.namespace) errors.push(required('spec.service.namespace'));
  if (!service.name) errors.push(required('spec.service.name'));
  const [problem] = portNumberErrors(service.port ?? 0);
  if (problem !== undefined) errors.push(invalid('spec.service.port', service.port, `port is not valid: ${problem}`));
  if (insecureSkipTLSVerify && caBundle !== '')
    errors.push(invalid('spec.insecureSkipTLSVerify', true, 'may not be true if caBundle is present'));
  return errors;
}

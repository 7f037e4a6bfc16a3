// Rules of environment variables.
import type { EnvFromSource, EnvVar, EnvVarSource } from '../generated/types.ts';
import { configKeyErrors, dns1123SubdomainErrors, envVarNameErrors, qualifiedNameErrors } from '../names.ts';
import { oneOf } from './common.ts';
import { type FieldError, invalid, required } from './field-error.ts';

const fieldPaths = new Set([
  'metadata.name',
  'metadata.namespace',
  'metadata.uid',
  'spec.nodeName',
  'spec.serviceAccountName',
  'status.hostIP',
  'status.hostIPs',
  'status.podIP',
  'status.podIPs',
]);
const resourceNames = [
  'limits.cpu',
  'limits.ephemeral-storage',
  'limits.memory',
  'requests.cpu',
  'requests.ephemeral-storage',
  'requests.memory',
];
const sources = ['fieldRef', 'resourceFieldRef', 'configMapKeyRef', 'secretKeyRef', 'fileKeyRef'] as const;

export function validateEnv(env: readonly EnvVar[], envFrom: readonly EnvFromSource[], path: string): FieldError[] {
  const errors = env.flatMap((variable, index) => validateVariable(variable, `${path}.env[${index}]`));
  return errors.concat(envFrom.flatMap((source, index) => validateFrom(source, `${path}.envFrom[${index}]`)));
}

function validateVariable(variable: EnvVar, path: string): FieldError[] {
  const errors: FieldError[] = [];
  if (!variable.name) errors.push(required(`${path}.name`));
  else for (const text of envVarNameErrors(variable.name)) errors.push(invalid(`${path}.name`, variable.name, text));
  if (variable.valueFrom !== undefined) errors.push(...validateSource(variable.valueFrom, variable.value, `${path}.valueFrom`));
  return errors;
}

function validateSource(source: EnvVarSource, value: string | undefined, path: string): FieldError[] {
  const errors: FieldError[] = [];
  const { fieldRef, resourceFieldRef, configMapKeyRef, secretKeyRef } = source;
  if (fieldRef !== undefined) errors.push(...validateFieldPath(fieldRef.fieldPath, `${path}.fieldRef`));
  if (resourceFieldRef !== undefined) {
    const at = `${path}.resourceFieldRef.resource`;
    const hugePages = /^(limits|requests)\.hugepages-/.test(resourceFieldRef.resource);
    if (!hugePages) errors.push(...oneOf(resourceFieldRef.resource, resourceNames, at, true));
  }
  if (configMapKeyRef !== undefined) errors.push(...validateKeyRef(configMapKeyRef, `${path}.configMapKeyRef`));
  if (secretKeyRef !== undefined) errors.push(...validateKeyRef(secretKeyRef, `${path}.secretKeyRef`));
  const count = sources.filter((name) => source[name] !== undefined).length;
  if (count === 0) {
    errors.push(
      invalid(
        path,
        '',
        'must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`',
      ),
    );
  } else if (value) errors.push(invalid(path, '', 'may not be specified when `value` is not empty'));
  else if (count > 1) errors.push(invalid(path, '', 'may not have more than one field specified at a time'));
  return errors;
}

function validateFieldPath(fieldPath: string, path: string): FieldError[] {
  if (!fieldPath) return [required(`${path}.fieldPath`)];
  const subscript = /^metadata\.(labels|annotations)\['(.*)'\]$/.exec(fieldPath);
  if (subscript !== null) {
    const key = subscript[2] ?? '';
    return qualifiedNameErrors(subscript[1] === 'annotations' ? key.toLowerCase() : key).map((text) =>
      invalid(path, key, text),
    );
  }
  if (fieldPaths.has(fieldPath)) return [];
  const text = `error converting fieldPath: field label not supported: ${fieldPath}`;
  return [invalid(`${path}.fieldPath`, fieldPath, text)];
}

function validateKeyRef(ref: { name?: string | undefined; key: string }, path: string): FieldError[] {
  const errors = dns1123SubdomainErrors(ref.name ?? '').map((text) => invalid(`${path}.name`, ref.name ?? '', text));
  if (!ref.key) errors.push(required(`${path}.key`));
  else for (const text of configKeyErrors(ref.key)) errors.push(invalid(`${path}.key`, ref.key, text));
  return errors;
}

function validateFrom(source: EnvFromSource, path: string): FieldError[] {
  const errors: FieldError[] = [];
  if (source.prefix)
    for (const text of envVarNameErrors(source.prefix)) errors.push(invalid(`${path}.prefix`, source.prefix, text));
  const named = [source.configMapRef, source.secretRef].filter((ref) => ref !== undefined);
  for (const field of ['configMapRef', 'secretRef'] as const) {
    const ref = source[field];
    if (ref === undefined) continue;
    for (const text of dns1123SubdomainErrors(ref.name ?? ''))
      errors.push(invalid(`${path}.${field}.name`, ref.name ?? '', text));
  }
  if (named.length === 0) errors.push(invalid(path, '', 'must specify one of: `configMapRef` or `secretRef`'));
  if (named.length > 1) errors.push(invalid(path, '', 'may not have more than one field specified at a time'));
  return errors;
}

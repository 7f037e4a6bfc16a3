// Rules of ConfigMaps and Secrets.
import type { ConfigMap, Secret } from '../generated/types.ts';
import { semanticEqual } from '../json.ts';
import { JsonSyntaxError, scanJson, silentVisitor } from '../json-scan.ts';
import { configKeyErrors } from '../names.ts';
import { rules } from './define.ts';
import { type FieldError, forbidden, invalid, required, tooLong } from './field-error.ts';

/** Bytes of all values together: 1 MiB. */
const sizeMax = 1024 * 1024;
const serviceAccountName = 'kubernetes.io/service-account.name';
const immutableText = 'field is immutable when `immutable` is set';

export const configRules = [
  rules<ConfigMap>('/ConfigMap', { create: validateConfigMap, update: validateConfigMapUpdate }),
  rules<Secret>('/Secret', { create: validateSecret, update: validateSecretUpdate }),
];

function validateConfigMap(object: ConfigMap): FieldError[] {
  const errors: FieldError[] = [];
  let bytes = 0;
  for (const [key, value] of sorted(object.data)) {
    for (const text of configKeyErrors(key)) errors.push(invalid(`data[${key}]`, key, text));
    if (object.binaryData !== undefined && Object.hasOwn(object.binaryData, key)) {
      errors.push(invalid(`data[${key}]`, key, 'duplicate of key present in binaryData'));
    }
    bytes += Buffer.byteLength(value);
  }
  for (const [key, value] of sorted(object.binaryData)) {
    for (const text of configKeyErrors(key)) errors.push(invalid(`binaryData[${key}]`, key, text));
    bytes += Buffer.byteLength(value, 'base64');
  }
  return bytes > sizeMax ? [...errors, tooLong('', sizeMax)] : errors;
}

function validateConfigMapUpdate(object: ConfigMap, old: ConfigMap): FieldError[] {
  return [...immutableErrors(object, old, ['data', 'binaryData']), ...validateConfigMap(object)];
}

function immutableErrors<T extends { immutable?: boolean | undefined }>(
  object: T,
  old: T,
  fields: readonly (keyof T & string)[],
): FieldError[] {
  if (old.immutable !== true) return [];
  const errors: FieldError[] = [];
  if (object.immutable !== true) errors.push(forbidden('immutable', immutableText));
  for (const field of fields) if (!semanticEqual(object[field], old[field])) errors.push(forbidden(field, immutableText));
  return errors;
}

function validateSecret(secret: Secret): FieldError[] {
  const errors: FieldError[] = [];
  let bytes = 0;
  for (const [key, value] of sorted(secret.data)) {
    for (const text of configKeyErrors(key)) errors.push(invalid(`data[${key}]`, key, text));
    bytes += Buffer.byteLength(value, 'base64');
  }
  if (bytes > sizeMax) errors.push(tooLong('data', sizeMax));
  return errors.concat(validateType(secret));
}

function validateType(secret: Secret): FieldError[] {
  const data = secret.data ?? {};
  const missing = (...keys: string[]): FieldError[] =>
    keys.filter((key) => data[key] === undefined).map((key) => required(`data[${key}]`));
  switch (secret.type) {
    case 'kubernetes.io/service-account-token':
      return secret.metadata?.annotations?.[serviceAccountName]
        ? []
        : [required(`metadata.annotations[${serviceAccountName}]`)];
    case 'kubernetes.io/dockercfg':
      return validateDockerConfig(data, '.dockercfg');
    case 'kubernetes.io/dockerconfigjson':
      return validateDockerConfig(data, '.dockerconfigjson');
    case 'kubernetes.io/basic-auth':
      return data.username === undefined && data.password === undefined ? missing('username', 'password') : [];
    case 'kubernetes.io/ssh-auth':
      return data['ssh-privatekey'] ? [] : [required('data[ssh-privatekey]')];
    case 'kubernetes.io/tls':
      return missing('tls.crt', 'tls.key');
    default:
      return [];
  }
}

function validateDockerConfig(data: Readonly<Record<string, string>>, key: string): FieldError[] {
  const value = data[key];
  if (value === undefined) return [required(`data[${key}]`)];
  try {
    scanJson(Buffer.from(value, 'base64').toString(), silentVisitor);
    return [];
  } catch (error) {
    if (!(error instanceof JsonSyntaxError)) throw error;
    return [invalid(`data[${key}]`, '<secret contents redacted>', error.message)];
  }
}

function validateSecretUpdate(secret: Secret, old: Secret): FieldError[] {
  const errors: FieldError[] = [];
  if (secret.type !== old.type) errors.push(invalid('type', secret.type ?? '', 'field is immutable'));
  return [...errors, ...immutableErrors(secret, old, ['data']), ...validateSecret(secret)];
}

function sorted(map: Readonly<Record<string, string>> | undefined): [string, string][] {
  return Object.entries(map ?? {}).sort(([a], [b]) => (a < b ? -1 : 1));
}

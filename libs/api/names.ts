// The formats of names: each check gives the complaints in upstream's words (apimachinery, pkg/util/validation).

const dns1123LabelFormat = '[a-z0-9]([-a-z0-9]*[a-z0-9])?';
const dns1123LabelMessage =
  "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character";
const dns1123SubdomainFormat = `${dns1123LabelFormat}(\\.${dns1123LabelFormat})*`;
const dns1123SubdomainMessage =
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character";
const dns1035LabelFormat = '[a-z]([-a-z0-9]*[a-z0-9])?';
const dns1035LabelMessage =
  "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character";
const labelValueFormat = '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?';
const labelValueMessage =
  "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character";
const qualifiedNameFormat = '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]';
const qualifiedNameMessage =
  "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character";
const configKeyFormat = '[-._a-zA-Z0-9]+';
const configKeyMessage = "a valid config key must consist of alphanumeric characters, '-', '_' or '.'";
const envVarNameFormat = '[-._a-zA-Z][-._a-zA-Z0-9]*';

/** Bytes. */
export const labelLengthMax = 63;
export const subdomainLengthMax = 253;

const dns1123Label = new RegExp(`^${dns1123LabelFormat}$`);
const dns1123Subdomain = new RegExp(`^${dns1123SubdomainFormat}$`);
const dns1035Label = new RegExp(`^${dns1035LabelFormat}$`);
const labelValue = new RegExp(`^${labelValueFormat}$`);
const qualifiedName = new RegExp(`^${qualifiedNameFormat}$`);
const configKey = new RegExp(`^${configKeyFormat}$`);

export function maxLengthMessage(length: number): string {
  return `must be no more than ${length} bytes`;
}

function regexMessage(message: string, format: string, ...examples: string[]): string {
  if (examples.length === 0) return `${message} (regex used for validation is '${format}')`;
  const list = examples.map((example) => `'${example}', `).join(' or ');
  return `${message} (e.g. ${list}regex used for validation is '${format}')`;
}

export function dns1123LabelErrors(value: string): string[] {
  const errors: string[] = [];
  if (value.length > labelLengthMax) errors.push(maxLengthMessage(labelLengthMax));
  if (!dns1123Label.test(value)) {
    if (dns1123Subdomain.test(value)) errors.push('must not contain dots');
    else errors.push(regexMessage(dns1123LabelMessage, dns1123LabelFormat, 'my-name', '123-abc'));
  }
  return errors;
}

export function dns1123SubdomainErrors(value: string): string[] {
  const errors: string[] = [];
  if (value.length > subdomainLengthMax) errors.push(`must be no more than ${subdomainLengthMax} characters`);
  if (!dns1123Subdomain.test(value)) {
    errors.push(regexMessage(dns1123SubdomainMessage, dns1123SubdomainFormat, 'example.com'));
  }
  return errors;
}

export function dns1035LabelErrors(value: string): string[] {
  const errors: string[] = [];
  if (value.length > labelLengthMax) errors.push(maxLengthMessage(labelLengthMax));
  if (!dns1035Label.test(value)) errors.push(regexMessage(dns1035LabelMessage, dns1035LabelFormat, 'my-name', 'abc-123'));
  return errors;
}

export function labelValueErrors(value: string): string[] {
  const errors: string[] = [];
  if (value.length > labelLengthMax) errors.push(maxLengthMessage(labelLengthMax));
  if (!labelValue.test(value)) errors.push(regexMessage(labelValueMessage, labelValueFormat, 'MyValue', 'my_value', '12345'));
  return errors;
}

/** Keys of labels, annotations, taints, finalizers: `[prefix/]name`. */
export function qualifiedNameErrors(value: string): string[] {
  const parts = value.split('/');
  const errors: string[] = [];
  let name = parts[0] ?? '';
  if (parts.length === 2) {
    const prefix = name;
    name = parts[1] ?? '';
    if (prefix === '') errors.push('prefix part must be non-empty');
    else errors.push(...dns1123SubdomainErrors(prefix).map((text) => `prefix part ${text}`));
  } else if (parts.length > 2) {
    const message = regexMessage(qualifiedNameMessage, qualifiedNameFormat, 'MyName', 'my.name', '123-abc');
    return [`a valid label key ${message} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')`];
  }
  if (name === '') errors.push('name part must be non-empty');
  else if (name.length > labelLengthMax) errors.push(`name part ${maxLengthMessage(labelLengthMax)}`);
  if (!qualifiedName.test(name)) {
    errors.push(`name part ${regexMessage(qualifiedNameMessage, qualifiedNameFormat, 'MyName', 'my.name', '123-abc')}`);
  }
  return errors;
}

/** Names that stand in a path alone: RBAC objects, CSI drivers' objects. */
export function pathSegmentErrors(value: string): string[] {
  if (value === '.' || value === '..') return [`may not be '${value}'`];
  const errors: string[] = [];
  for (const part of ['/', '%']) if (value.includes(part)) errors.push(`may not contain '${part}'`);
  return errors;
}

/** Keys of ConfigMaps and Secrets. */
export function configKeyErrors(value: string): string[] {
  const errors: string[] = [];
  if (value.length > subdomainLengthMax) errors.push(maxLengthMessage(subdomainLengthMax));
  if (!configKey.test(value)) errors.push(regexMessage(configKeyMessage, configKeyFormat, 'key.name', 'KEY_NAME', 'key-name'));
  return errors.concat(dotErrors(value));
}

function dotErrors(value: string): string[] {
  if (value === '.') return ["must not be '.'"];
  if (value === '..') return ["must not be '..'"];
  return value.startsWith('..') ? ["must not start with '..'"] : [];
}

/** Names of environment variables: since 1.34 any printable ASCII but `=`. */
export function envVarNameErrors(value: string): string[] {
  if (value === '') return ['environment variable name must not be empty'];
  const printable = [...value].every((char) => char >= ' ' && char <= '~' && char !== '=');
  if (printable) return [];
  return ["a valid environment variable name must consist only of printable ASCII characters other than '='"];
}

export { envVarNameFormat };

/** Port names: at most 15 characters, as IANA's service names. */
export function portNameErrors(value: string): string[] {
  const errors: string[] = [];
  if (value.length > 15) errors.push('must be no more than 15 characters');
  if (!/^[-a-z0-9]+$/.test(value)) errors.push('must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)');
  if (!/[a-z]/.test(value)) errors.push('must contain at least one letter (a-z)');
  if (value.includes('--')) errors.push('must not contain consecutive hyphens');
  if (value.startsWith('-') || value.endsWith('-')) errors.push('must not begin or end with a hyphen');
  return errors;
}

/** Port numbers: 1-65535. */
export function portNumberErrors(value: number): string[] {
  return value >= 1 && value <= 65535 ? [] : ['must be between 1 and 65535, inclusive'];
}

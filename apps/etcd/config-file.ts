// `--config-file`: a YAML file in place of all other flags and of the environment. Its keys are the flags' names, but for the two
// groups with the files of TLS, and a few names of their own.
import { readFileSync } from 'node:fs';
import { FlagError } from '@drydock/foundation/flags.ts';
import { parseYaml } from '@drydock/foundation/lazy-yaml.ts';

/** Names of the file whose flag is called otherwise. */
const renamed: Readonly<Record<string, string>> = {
  'client-transport-security.cert-file': 'cert-file',
  'client-transport-security.key-file': 'key-file',
  'client-transport-security.trusted-ca-file': 'trusted-ca-file',
  'client-transport-security.client-cert-auth': 'client-cert-auth',
  'client-transport-security.auto-tls': 'auto-tls',
  'client-transport-security.client-crl-file': 'client-crl-file',
  'client-transport-security.client-cert-file': 'client-cert-file',
  'client-transport-security.client-key-file': 'client-key-file',
  'client-transport-security.allowed-hostname': 'client-cert-allowed-hostname',
  'peer-transport-security.cert-file': 'peer-cert-file',
  'peer-transport-security.key-file': 'peer-key-file',
  'peer-transport-security.trusted-ca-file': 'peer-trusted-ca-file',
  'peer-transport-security.client-cert-auth': 'peer-client-cert-auth',
  'peer-transport-security.auto-tls': 'peer-auto-tls',
  'peer-transport-security.client-cert-file': 'peer-client-cert-file',
  'peer-transport-security.client-key-file': 'peer-client-key-file',
  'peer-transport-security.crl-file': 'peer-crl-file',
  'peer-transport-security.allowed-cn': 'peer-cert-allowed-cn',
  'peer-transport-security.allowed-hostname': 'peer-cert-allowed-hostname',
  'peer-transport-security.skip-client-san-verification': 'experimental-peer-skip-client-san-verification',
};

/** The file that the arguments or the environment name; undefined where none. */
export function configFileOf(args: readonly string[], env: Readonly<Record<string, string | undefined>>): string | undefined {
  for (const [i, arg] of args.entries()) {
    const [, inline] = /^--?config-file(?:=(.*))?$/.exec(arg) ?? [];
    if (inline !== undefined) return inline;
    if (/^--?config-file$/.test(arg)) return args[i + 1];
  }
  return env.ETCD_CONFIG_FILE || undefined;
}

/** The arguments that say what the file says; keys that are no flag in `known` are left out, as etcd does. Throws FlagError. */
export function argumentsOf(path: string, known: (flag: string) => boolean): string[] {
  let content: unknown;
  try {
    content = parseYaml(readFileSync(path, 'utf8'));
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    throw new FlagError(missing ? `open ${path}: no such file or directory` : (error as Error).message, 'environment');
  }
  return flatten('', content).flatMap(([key, value]) => {
    const flag = renamed[key] ?? key;
    return known(flag) && value !== null && value !== '' ? [`--${flag}=${value}`] : [];
  });
}

function flatten(prefix: string, value: unknown): [string, unknown][] {
  if (Array.isArray(value)) return [[prefix, value.join(',')]];
  if (typeof value !== 'object' || value === null) return [[prefix, value]];
  return Object.entries(value).flatMap(([key, inner]) => flatten(prefix === '' ? key : `${prefix}.${key}`, inner));
}

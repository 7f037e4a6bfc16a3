// The two commands and their flags: names and defaults of ingress-nginx's kube-webhook-certgen.
import { FlagError, type FlagSet, flag, type ParsedFlags, parseFlags, type RefusedFlag } from '@drydock/foundation/flags.ts';

const common = {
  kubeconfig: flag('string', '', 'Path to kubeconfig file: e.g. ~/.kube/kind-config-kind'),
  'secret-name': flag('string', '', 'Name of the secret with the certificate information'),
  namespace: flag('string', '', 'Namespace of the secret with the certificate information'),
} satisfies FlagSet;

export const createFlags = {
  ...common,
  host: flag('strings', [], 'Comma-separated hostnames and IPs to generate a certificate for'),
  'cert-name': flag('string', 'cert', 'Name of cert file in the secret'),
  'key-name': flag('string', 'key', 'Name of key file in the secret'),
} satisfies FlagSet;

export const patchFlags = {
  ...common,
  'webhook-name': flag(
    'string',
    '',
    'Name of validatingwebhookconfiguration and mutatingwebhookconfiguration that will be updated',
  ),
  'patch-validating': flag('bool', true, 'If true, patch validatingwebhookconfiguration'),
  'patch-mutating': flag('bool', true, 'If true, patch mutatingwebhookconfiguration'),
  'patch-failure-policy': flag(
    'string',
    '',
    'If set, patch the webhooks with this failure policy. Valid options are Ignore or Fail',
  ),
} satisfies FlagSet;

const ignored = { 'log-level': 'value', 'log-format': 'value' } as const;
const refused: Readonly<Record<string, RefusedFlag>> = {
  'apiservice-name': { takes: 'value', because: 'only webhook configurations are patched' },
};

/** What the words after a command say. Throws FlagError for unknown flags, for required ones that are missing, and for words. */
export function readFlags<S extends FlagSet>(set: S, args: readonly string[], required: readonly string[]): ParsedFlags<S> {
  const flags = parseFlags(set, args, { style: 'pflag', ignored, refused });
  const missing = required.filter((name) => !flags.given.has(name)).map((name) => JSON.stringify(name));
  if (missing.length > 0 && !flags.help) throw new FlagError(`required flag(s) ${missing.join(', ')} not set`);
  const [extra] = flags.positional;
  if (extra !== undefined) throw new FlagError(`unknown command "${extra}"`);
  return flags;
}

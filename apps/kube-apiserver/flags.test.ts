// No flag that asks for safety is passed over: every flag of the original is served, refused or warned of.

import { servedPlugins } from '@drydock/apiserver/admission/plugins.ts';
import { featureGates, readGateFlag } from '@drydock/foundation/feature-gates.ts';
import { type FlagDialect, FlagError, parseFlags } from '@drydock/foundation/flags.ts';
import { endedProgram } from '@drydock/foundation/testing/ended-program.ts';
import { flagProblems, upstreamFlags } from '@drydock/foundation/testing/upstream-flags.ts';
import { describe, expect, test } from 'vitest';
import { flags } from './flags.ts';
import { settle } from './settle.ts';
import { hiddenFlags, ignoredFlags, refusedFlags } from './unserved-flags.ts';

const dialect: FlagDialect = { style: 'pflag', ignored: ignoredFlags, refused: refusedFlags };

test('the flags are those of the original, and --grpc-port', () => {
  expect(flagProblems('kube-apiserver', flags, dialect, ['grpc-port'], hiddenFlags)).toEqual([]);
});

test.each(
  [...upstreamFlags('kube-apiserver').keys()].filter((name) =>
    /^(audit-.*(path|file)|oidc-|encryption-provider-config$|authentication-.*(config|file)|authorization-.*(config|file)|admission-control|token-auth|egress)/.test(
      name,
    ),
  ),
)('--%s asks for safety: it is refused, with its name', (name) => {
  expect(() => parseFlags(flags, [`--${name}=/some/file`], dialect)).toThrow(new RegExp(`^--${name} is not served here: `));
  expect(parseFlags(flags, [`--${name}=`], dialect).ignored).toEqual([]);
});

test.each(['etcd-prefix=/registry', 'runtime-config=api/all=true', 'storage-backend=etcd3', 'oidc-username-claim=sub'])(
  '--%s asks for what is so anyway',
  (text) => void parseFlags(flags, [`--${text}`], dialect),
);

test.each(['etcd-prefix=/other', 'runtime-config=batch/v1=false', 'storage-backend=etcd2', 'max-connection-bytes-per-sec=1'])(
  '--%s asks for something else: it is refused',
  (text) => expect(() => parseFlags(flags, [`--${text}`], dialect)).toThrow(FlagError),
);

test.each(Object.entries(ignoredFlags))('--%s is warned of', (name, takes) => {
  const args = takes === 'bool' ? [`--${name}`] : [`--${name}`, 'x'];
  expect(parseFlags(flags, args, dialect).ignored).toEqual([name]);
});

describe('what the flags mean together', () => {
  const of = (...args: string[]) => {
    const warnings: string[] = [];
    const { values } = parseFlags(flags, args, dialect);
    const gates = featureGates(readGateFlag(values['feature-gates'], 'components'), []);
    const settled = settle(values, gates, { warn: (fields, text) => void warnings.push(`${text} ${JSON.stringify(fields)}`) });
    return { settled, warnings };
  };

  test.each([
    ['--enable-admission-plugins=Foo', 'enable-admission-plugins plugin "Foo" is unknown'],
    ['--disable-admission-plugins=Foo', 'disable-admission-plugins plugin "Foo" is unknown'],
    ['--enable-admission-plugins=AlwaysPullImages', 'plugin "AlwaysPullImages" is not served here'],
    [
      '--service-node-port-range=5-4',
      'invalid argument "5-4" for "--service-node-port-range" flag: end port cannot be less than start port: 5-4',
    ],
    ['--authorization-mode=Foo', 'authorization-mode "Foo" is not a valid mode'],
    ['--authorization-mode=Webhook', 'authorization-mode "Webhook" is not served here'],
    ['--authorization-mode=RBAC,RBAC', 'authorization-mode ["RBAC" "RBAC"] has mode specified more than once'],
    ['--tls-min-version=Foo', 'unknown tls version "Foo"'],
    ['--tls-cipher-suites=Foo', "Cipher suite Foo not supported or doesn't exist"],
    ['--allow-privileged=false', 'is not served here'],
    ['--http2-max-streams-per-connection=-1', 'can not be negative value'],
  ])('%s: %s', (flag, message) => {
    expect(() => of(flag)).toThrow(message);
  });

  test('a plugin cannot be on and off', () => {
    const args = ['--enable-admission-plugins=NodeRestriction', '--disable-admission-plugins=NodeRestriction'];
    expect(() => of(...args)).toThrow('[NodeRestriction] in enable-admission-plugins and disable-admission-plugins overlapped');
  });

  test('default plugins that do not exist here are named in one warning', () => {
    const { settled, warnings } = of('--authorization-mode=RBAC', '--enable-admission-plugins=NodeRestriction');
    expect(settled.admissionPlugins).toEqual(servedPlugins);
    expect(warnings).toEqual([
      expect.stringMatching(
        /"MutatingAdmissionPolicy","MutatingAdmissionWebhook","ValidatingAdmissionPolicy","ValidatingAdmissionWebhook"\]/,
      ),
    ]);
    expect(warnings[0]).not.toMatch(/RuntimeClass|PodGroup|JobValidation|ClusterTrustBundle/);
  });

  test('a plugin whose gate is off does nothing, asked for or not; one whose gate is on is missed', () => {
    const asked = '--enable-admission-plugins=PodGroupProtection,JobValidation';
    expect(of('--authorization-mode=RBAC', asked).warnings[0]).not.toMatch(/PodGroup|JobValidation/);
    const { warnings } = of('--authorization-mode=RBAC', '--feature-gates=GenericWorkload=true,ClusterTrustBundle=true');
    expect(warnings[0]).toMatch(/PodGroupProtection.*ClusterTrustBundleAttest.*PodGroupWorkloadExists/);
    expect(warnings[0]).not.toContain('JobValidation');
    expect(() => of('--feature-gates=GenericWorkload=true', asked)).toThrow('"PodGroupProtection" is not served here');
    const off = of('--authorization-mode=RBAC', '--feature-gates=PodTopologyLabelsAdmission=false');
    expect(off.settled.admissionPlugins).not.toContain('PodTopologyLabels');
  });

  test('a default plugin that is switched off does not run', () => {
    const { settled } = of('--authorization-mode=RBAC', '--disable-admission-plugins=RuntimeClass,DefaultIngressClass');
    expect(settled.admissionPlugins).not.toContain('RuntimeClass');
    expect(settled.admissionPlugins).toContain('PersistentVolumeClaimResize');
  });

  test('where everybody may do everything, nobody is anonymous', () => {
    expect(of('--authorization-mode=AlwaysAllow').settled.anonymousAuth).toBe(false);
    expect(of('--authorization-mode=Node,RBAC').settled.anonymousAuth).toBe(true);
  });

  test('TLS is as asked for', () => {
    const { settled } = of(
      '--authorization-mode=RBAC',
      '--tls-min-version=VersionTLS13',
      '--tls-cipher-suites=TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256',
    );
    expect(settled.serving.tls.minVersion).toBe('TLSv1.3');
    expect(settled.serving.tls.ciphers).toContain('ECDHE-RSA-AES128-GCM-SHA256');
  });
});

test.each([
  ['--audit-policy-file=/etc/audit.yaml', 'Error: --audit-policy-file is not served here: requests are not audited'],
  ['--nope', 'Error: unknown flag: --nope'],
])(
  'the program ends with %s',
  (flag, message) => {
    const { status, stderr } = endedProgram(new URL('./main.ts', import.meta.url), flag);
    expect(stderr).toContain(message);
    expect(status).toBe(1);
  },
  90_000,
);

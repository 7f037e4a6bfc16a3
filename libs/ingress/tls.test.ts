import { SystemRandom } from '@drydock/foundation/system-random.ts';
import { Authority } from '@drydock/pki/authority.ts';
import { servingCertificate } from '@drydock/pki/certificate.ts';
import { beforeAll, expect, test } from 'vitest';
import { planRouting } from './plan.ts';
import { readSettings } from './settings.ts';
import { cluster, ingress, prefix, secret } from './testing/objects.ts';

const nowMs = 1_800_000_000_000;
let pair: (names: readonly string[]) => Promise<Record<string, string>>;

beforeAll(async () => {
  const random = new SystemRandom().stream('test');
  const authority = await Authority.load(await Authority.create('ca', nowMs, random), random);
  pair = async (names) => {
    const { certificatePem, keyPem } = await authority.issue(servingCertificate('web', names), nowMs);
    return { 'tls.crt': certificatePem, 'tls.key': keyPem };
  };
});

function serversOf(
  data: Record<string, Record<string, string>>,
  hosts: readonly string[],
  tls: { hosts?: string[]; secretName?: string }[],
) {
  const ingresses = hosts.map((host, index) => ingress({ name: `i${index}`, host, paths: ['Prefix / web'], tls }));
  const secrets = Object.entries(data).map(([name, content]) => secret(name, content));
  const plan = planRouting(cluster(ingresses, undefined, undefined, secrets), {
    settings: readSettings(undefined).settings,
    annotationPrefix: prefix,
    defaultBackend: undefined,
    defaultCertificate: undefined,
  });
  const servers = plan.servers.filter(({ host }) => host !== '_');
  return {
    servers: servers.map(({ host, tls: on, certificate, locations }) => [host, on, certificate, locations[0]?.toHttps]),
    problems: plan.problems.map(({ reason, message }) => `${reason}: ${message}`),
    certificates: [...plan.certificates.keys()],
  };
}

test('a host has the certificate of the entry that names it, and HTTP is redirected', async () => {
  const { servers, problems } = serversOf(
    { web: await pair(['a.example.com']) },
    ['a.example.com'],
    [{ hosts: ['a.example.com'], secretName: 'web' }],
  );
  expect(servers).toEqual([['a.example.com', true, 'default/web', true]]);
  expect(problems).toEqual([]);
});

test('wildcards: of a certificate, of an entry, of a rule; one label only', async () => {
  const data = { wild: await pair(['*.example.com']) };
  const of = (host: string, tls: { hosts?: string[]; secretName?: string }) => serversOf(data, [host], [tls]).servers[0]?.[2];
  expect(of('a.example.com', { hosts: ['*.example.com'], secretName: 'wild' })).toBe('default/wild');
  expect(of('*.example.com', { hosts: ['*.example.com'], secretName: 'wild' })).toBe('default/wild');
  expect(of('a.example.com', { secretName: 'wild' })).toBe('default/wild');
  expect(of('a.b.example.com', { secretName: 'wild' })).toBeUndefined();
});

test('a certificate that is not the host’s, or is none, is not served: the default one is, and an event says so', async () => {
  const good = await pair(['a.example.com']);
  const other = await pair(['b.example.com']);
  const mixed = { 'tls.crt': good['tls.crt'] ?? '', 'tls.key': other['tls.key'] ?? '' };
  const cases: [Record<string, string> | undefined, string][] = [
    [other, 'the certificate of Secret "default/web" is not for host a.example.com; the default certificate is served'],
    [mixed, 'Secret "default/web": tls.key is not the key of tls.crt; the default certificate is served for a.example.com'],
    [undefined, 'Secret "default/web" does not exist; the default certificate is served for a.example.com'],
    [{ 'tls.crt': 'x' }, 'Secret "default/web" has no key tls.key; the default certificate is served for a.example.com'],
  ];
  for (const [data, problem] of cases) {
    const got = serversOf(
      data === undefined ? {} : { web: data },
      ['a.example.com'],
      [{ hosts: ['a.example.com'], secretName: 'web' }],
    );
    expect(got.servers).toEqual([['a.example.com', true, undefined, true]]);
    expect(got.problems).toEqual([`CertificateNotServed: ${problem}`]);
  }
});

test('what else stands in a Secret’s files does not reach the data plane', async () => {
  const good = await pair(['a.example.com']);
  const dirty = { 'tls.crt': `junk; }\n${good['tls.crt']}\nload_module x;`, 'tls.key': `${good['tls.key']}\n# more` };
  const ingresses = [
    ingress({ host: 'a.example.com', paths: ['Prefix / web'], tls: [{ hosts: ['a.example.com'], secretName: 'web' }] }),
  ];
  const plan = planRouting(cluster(ingresses, undefined, undefined, [secret('web', dirty)]), {
    settings: readSettings(undefined).settings,
    annotationPrefix: prefix,
    defaultBackend: undefined,
    defaultCertificate: undefined,
  });
  const certificate = plan.certificates.get('default/web');
  expect(certificate?.certificatePem.trim()).toBe(good['tls.crt']?.trim());
  expect(certificate?.keyPem).not.toContain('more');
  expect(certificate?.expiresMs).toBeGreaterThan(nowMs);
});

test('the name of a Secret is one: files are named after it', async () => {
  const data = { web: await pair(['a.example.com']), x: await pair(['a.example.com']) };
  for (const secretName of ['web/../../../etc/ssl/certs/ca', '../web', 'web/x', '..', 'x y']) {
    const got = serversOf(data, ['a.example.com'], [{ hosts: ['a.example.com'], secretName }]);
    expect(got.certificates).toEqual([]);
    expect(got.problems).toEqual([
      `CertificateNotServed: Secret "default/${secretName}" is no name of a Secret; the default certificate is served for a.example.com`,
    ]);
  }
});

// The two commands on an API server in memory; the program's own words for arguments that are none.
import { X509Certificate } from 'node:crypto';
import type { Secret, ValidatingWebhookConfiguration } from '@drydock/api/generated/types.ts';
import { secrets, validatingWebhookConfigurations } from '@drydock/api/resource.ts';
import { apiError } from '@drydock/api/status.ts';
import { MemoryApi } from '@drydock/client/testing/memory-api.ts';
import { silentLog } from '@drydock/foundation/log.ts';
import { SeededRandom } from '@drydock/foundation/random.ts';
import { endedProgram } from '@drydock/foundation/testing/ended-program.ts';
import { VirtualClock } from '@drydock/foundation/virtual-clock.ts';
import { expect, test } from 'vitest';
import { makeCertificate, type WebhookCertificate } from './certificates.ts';
import { createSecret, patchWebhooks } from './commands.ts';
import { createFlags, patchFlags, readFlags } from './flags.ts';

const key = { namespace: 'ingress-nginx', name: 'ingress-nginx-admission' };
const names = { certificate: 'cert', key: 'key' };
const host = 'ingress-nginx-controller-admission.ingress-nginx.svc';
const options = { webhookName: key.name, validating: true, mutating: false, failurePolicy: 'Fail' };
const made: WebhookCertificate = { caPem: 'authority', certificatePem: 'certificate', keyPem: 'secret' };

function cluster() {
  const clock = new VirtualClock();
  const client = new MemoryApi({ clock, random: new SeededRandom(1) });
  const webhook = {
    name: 'validate.nginx.ingress.kubernetes.io',
    failurePolicy: 'Ignore',
    clientConfig: { service: { namespace: key.namespace, name: 'ingress-nginx-controller-admission', path: '/' } },
    sideEffects: 'None',
    admissionReviewVersions: ['v1'],
  };
  const configuration = () => client.get<ValidatingWebhookConfiguration>(validatingWebhookConfigurations, { name: key.name });
  return {
    ports: { client, clock, log: silentLog },
    client,
    clock,
    configuration,
    configure: () =>
      client.create<ValidatingWebhookConfiguration>(validatingWebhookConfigurations, {
        metadata: { name: key.name },
        webhooks: [webhook, { ...webhook, name: 'second.example.com' }],
      }),
  };
}

test('a certificate for every name, by an authority that vouches for it', async () => {
  const nowMs = Date.UTC(2026, 0, 1);
  const { caPem, certificatePem, keyPem } = await makeCertificate(['first', host], nowMs, new SeededRandom(1).stream('x'));
  const certificate = new X509Certificate(certificatePem);
  expect(certificate.checkHost(host)).toBe(host);
  expect(certificate.checkHost('first')).toBe('first');
  expect(certificate.verify(new X509Certificate(caPem).publicKey)).toBe(true);
  expect(certificate.validToDate.getUTCFullYear()).toBe(2035);
  expect(keyPem).toContain('PRIVATE KEY');
});

test('create makes the Secret once', async () => {
  const { client, ports } = cluster();
  await createSecret(ports, key, names, async () => made);
  const base64 = (text: string) => Buffer.from(text).toString('base64');
  const secret = await client.get<Secret>(secrets, key);
  expect(secret.data).toEqual({ ca: base64('authority'), cert: base64('certificate'), key: base64('secret') });
  await createSecret(ports, key, names, async () => ({ ...made, caPem: 'another' }));
  expect(await client.get<Secret>(secrets, key)).toEqual(secret);
});

test('patch writes authority and policy into every webhook, and waits for the Secret', async () => {
  const { clock, configuration, configure, ports } = cluster();
  await configure();
  const patched = patchWebhooks(ports, key, options);
  await clock.advanceAsync(2_000);
  await createSecret(ports, key, names, async () => made);
  await clock.advanceAsync(1_000);
  await patched;
  const { webhooks = [] } = await configuration();
  const caBundle = Buffer.from('authority').toString('base64');
  expect(webhooks.map(({ failurePolicy, clientConfig }) => [failurePolicy, clientConfig.caBundle])).toEqual([
    ['Fail', caBundle],
    ['Fail', caBundle],
  ]);
  expect(webhooks[0]?.clientConfig.service?.name).toBe('ingress-nginx-controller-admission');
});

test('without --patch-failure-policy the policies stay; what another wrote meanwhile stays too', async () => {
  const { client, configuration, configure, ports } = cluster();
  await configure();
  await createSecret(ports, key, names, async () => made);
  let conflicts = 2;
  client.injectFault((verb) => {
    if (verb === 'update' && conflicts-- > 0) throw apiError('Conflict', 'the object has been modified');
  });
  await patchWebhooks(ports, key, { ...options, failurePolicy: '' });
  expect((await configuration()).webhooks?.map(({ failurePolicy }) => failurePolicy)).toEqual(['Ignore', 'Ignore']);
});

test.each([
  [{ validating: false }, 'patch-validating=false, patch-mutating=false. You must patch at least one kind of webhook'],
  [{ failurePolicy: 'Perhaps' }, 'patch-failure-policy Perhaps is not valid'],
])('patch is refused: %j', async (more, message) => {
  const { ports } = cluster();
  await expect(patchWebhooks(ports, key, { ...options, ...more })).rejects.toThrow(message);
});

test('patch gives up where the Secret does not come', async () => {
  const { clock, ports } = cluster();
  const failed = expect(patchWebhooks(ports, key, options)).rejects.toThrow(
    "no secret with 'ingress-nginx-admission' in 'ingress-nginx'",
  );
  await clock.advanceAsync(31_000);
  await failed;
});

test('a Secret without an authority is not taken for one', async () => {
  const { client, ports } = cluster();
  await client.create<Secret>(secrets, { metadata: key, data: {} });
  await expect(createSecret(ports, key, names, async () => made)).rejects.toThrow("did not contain a 'ca' key");
});

test('the arguments of ingress-nginx’s Jobs are taken', () => {
  const create = `--host=admission,${host} --namespace=ingress-nginx --secret-name=x`.split(' ');
  expect(readFlags(createFlags, create, ['host']).values.host).toEqual(['admission', host]);
  const patch = '--webhook-name=x --namespace=n --patch-mutating=false --secret-name=x --patch-failure-policy=Fail'.split(' ');
  expect(readFlags(patchFlags, patch, []).values).toMatchObject({ 'patch-mutating': false, 'patch-validating': true });
});

test.each([
  [['create', '--host=x'], 'Error: required flag(s) "secret-name", "namespace" not set'],
  [['nonsense'], 'Error: unknown command "nonsense" for "kube-webhook-certgen"'],
])(
  'the program ends with what is wrong: %j',
  (args, message) => {
    const { status, stderr } = endedProgram(new URL('./main.ts', import.meta.url), ...args);
    expect(stderr.trim()).toBe(message);
    expect(status).toBe(1);
  },
  30_000,
);

// Where proxies lead and where they do not: addresses of endpoints as the original takes them (recorded: UPDATE=1
// DRYDOCK_ORIGINAL=https://HOST:PORT,FOLDER), and what pods, services and nodes say of themselves, as it answered by hand.
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { SystemClock } from '@drydock/foundation/system-clock.ts';
import { SystemRandom } from '@drydock/foundation/system-random.ts';
import { Authority } from '@drydock/pki/authority.ts';
import { clientCertificate, servingCertificate } from '@drydock/pki/certificate.ts';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { originalFrom, Recording } from '../testing/original.ts';
import { outsideAddress } from '../testing/outside.ts';
import { type WireClient, WireServer } from '../testing/wire.ts';

const original = originalFrom(process.env.DRYDOCK_ORIGINAL);
const merge = 'application/merge-patch+json';
const inNamespace = '/api/v1/namespaces/default';
let server: WireServer | undefined;
let user: WireClient;

beforeAll(async () => {
  server = original === undefined ? await WireServer.start() : undefined;
  user = (await server?.operator()) ?? ((await original?.('admin')) as WireClient);
  await user.call('POST', `${inNamespace}/serviceaccounts`, { body: { metadata: { name: 'default' } } });
}, 30_000);

afterAll(() => server?.stop());

test('endpoints have the addresses of other hosts', async () => {
  const recording = new Recording();
  const metadata = { name: 'proxied' };
  const slices = '/apis/discovery.k8s.io/v1/namespaces/default/endpointslices?dryRun=All';
  const slice = (addressType: string, address: string) => {
    const endpoints = [{ addresses: [address] }];
    const body = { apiVersion: 'discovery.k8s.io/v1', kind: 'EndpointSlice', metadata, addressType, endpoints, ports: [] };
    return recording.ask(`${addressType} ${address}`, user, 'POST', slices, { body });
  };
  const ips = [
    '127.0.0.1',
    '127.1.2.3',
    '0.0.0.0',
    '0.1.2.3',
    '169.254.1.1',
    '224.0.0.5',
    '239.1.1.1',
    '255.255.255.255',
    '10.0.0.1',
  ];
  const wide = [
    '010.0.0.1',
    '::1',
    '::',
    'fe80::1',
    'ff02::1',
    'ff12::1',
    'ff05::1',
    'fd00::1',
    '::ffff:10.0.0.1',
    '::ffff:127.0.0.1',
    '1',
    'x',
  ];
  for (const address of [...ips, ...wide]) {
    await slice('IPv4', address);
    await slice('IPv6', address);
    const subsets = [{ addresses: [{ ip: address }], ports: [{ port: 80 }] }];
    const body = { apiVersion: 'v1', kind: 'Endpoints', metadata, subsets };
    await recording.ask(`endpoints ${address}`, user, 'POST', `${inNamespace}/endpoints?dryRun=All`, { body });
  }
  for (const name of ['a.b.com', 'localhost', '-x', 'a..b', '10.0.0.1']) await slice('FQDN', name);
  recording.check(new URL('../testdata/endpoint-addresses.txt', import.meta.url), process.env.UPDATE === '1');
}, 60_000);

async function pod(name: string, ip: string): Promise<void> {
  const containers = [{ name: 'c', image: 'i', ports: [{ containerPort: 9 }] }];
  await user.call('POST', `${inNamespace}/pods`, { body: { metadata: { name }, spec: { containers } } });
  const body = { status: { podIP: ip, podIPs: [{ ip }] } };
  await user.call('PATCH', `${inNamespace}/pods/${name}/status`, { body, type: merge });
}

const refused = '400 address not allowed';
const answer = async (path: string) => {
  const { code, body } = await user.call('GET', path);
  return `${code} ${body?.message ?? body}`;
};

test
  .skipIf(original !== undefined)
  .each([
    '127.0.0.1',
    '127.9.9.9',
    '169.254.169.254',
    '224.0.0.1',
    '0.0.0.0',
    '255.255.255.255',
    '::1',
    'fe80::1',
    '::ffff:127.0.0.1',
    '::ffff:169.254.169.254',
  ])('a pod that says it is at %s is not asked', async (ip) => {
  await pod('liar', ip);
  expect(await answer(`${inNamespace}/pods/liar/proxy/x`)).toBe(refused);
  expect(await answer(`${inNamespace}/pods/https:liar:443/proxy/x`)).toBe(refused);
});

test.skipIf(original !== undefined).each([
  ['pods/a:liar:1', '400 invalid pod request "a:liar:1"'],
  ['pods/a:b:c:d', '400 invalid pod request "a:b:c:d"'],
  ['services/a:liar:1', '400 invalid service request "a:liar:1"'],
  ['services/missing', '404 services "missing" not found'],
])('%s', async (path, expected) => {
  expect(await answer(`${inNamespace}/${path}/proxy/x`)).toBe(expected);
});

test.skipIf(original !== undefined)('a service leads to pods of its namespace only, at addresses that they have', async () => {
  await pod('real', '10.9.9.9');
  const endpoints: Readonly<Record<string, object>> = {
    untold: { addresses: ['10.9.9.9'] },
    foreign: { addresses: ['10.9.9.9'], targetRef: { kind: 'Pod', namespace: 'other', name: 'elsewhere' } },
    lie: { addresses: ['10.9.9.8'], targetRef: { kind: 'Pod', namespace: 'default', name: 'real' } },
  };
  for (const [name, endpoint] of Object.entries(endpoints)) {
    await user.call('POST', `${inNamespace}/services`, { body: { metadata: { name }, spec: { ports: [{ port: 80 }] } } });
    const labels = { 'kubernetes.io/service-name': name };
    const body = { metadata: { name, labels }, addressType: 'IPv4', endpoints: [endpoint], ports: [{ port: 9 }] };
    await user.call('POST', '/apis/discovery.k8s.io/v1/namespaces/default/endpointslices', { body });
    const expected = `503 no endpoints available for service ${JSON.stringify(name)}`;
    await vi.waitFor(async () => expect(await answer(`${inNamespace}/services/${name}/proxy/x`)).toBe(expected), 5000);
  }
});

/** A kubelet, and what certificate its clients showed. */
async function kubelet(host: string): Promise<{ server: Server; ca: string; shown: (string | undefined)[]; client: object }> {
  const random = new SystemRandom().stream('kubelet');
  const nowMs = new SystemClock().wallMs();
  const pair = await Authority.create('kubelets', nowMs, random);
  const authority = await Authority.load(pair, random);
  const serving = await authority.issue(servingCertificate('node', [host]), nowMs);
  const client = await authority.issue(clientCertificate('kube-apiserver-kubelet-client'), nowMs);
  const shown: (string | undefined)[] = [];
  const tls = { cert: serving.certificatePem, key: serving.keyPem, ca: pair.certificatePem };
  const made = createServer({ ...tls, requestCert: true, rejectUnauthorized: false }, (req, res) => {
    const socket = req.socket as import('node:tls').TLSSocket;
    shown.push(socket.getPeerX509Certificate()?.subject.replace('CN=', ''));
    res.end('kubelet');
  });
  return { server: made, ca: pair.certificatePem, shown, client: { cert: client.certificatePem, key: client.keyPem } };
}

test.skipIf(original !== undefined)(
  'the credentials for kubelets go to the port of the kubelet only',
  async () => {
    const outside = outsideAddress();
    const { server: listener, ca, shown, client } = await kubelet(outside);
    const other = await kubelet(outside);
    for (const each of [listener, other.server]) await new Promise<void>((done) => void each.listen(0, outside, done));
    const port = (listener.address() as AddressInfo).port;
    const otherPort = (other.server.address() as AddressInfo).port;
    const wire = await WireServer.start({
      kubelet: { tls: { ca, cert: undefined, key: undefined, ...client }, addressTypes: ['InternalIP'] },
    });
    const operator = await wire.operator();
    const node = async (name: string, address: string) => {
      await operator.call('POST', '/api/v1/nodes', { body: { metadata: { name } } });
      const status = { addresses: [{ type: 'InternalIP', address }], daemonEndpoints: { kubeletEndpoint: { Port: port } } };
      await operator.call('PATCH', `/api/v1/nodes/${name}/status`, { body: { status }, type: merge });
    };
    await node('good', outside);
    await node('inside', '127.0.0.1');
    await node('named', 'localhost');
    const ask = async (name: string) => {
      const { code, body } = await operator.call('GET', `/api/v1/nodes/${name}/proxy/x`);
      return `${code} ${body?.message ?? body}`;
    };
    expect(await ask('good')).toBe('200 kubelet');
    expect(await ask(`good:${port}`)).toBe('200 kubelet');
    expect(await ask(`https:good:${otherPort}`)).toBe('200 kubelet');
    expect([shown, other.shown]).toEqual([['kube-apiserver-kubelet-client', 'kube-apiserver-kubelet-client'], [undefined]]);
    expect(await ask('inside')).toBe(refused);
    expect(await ask(`inside:${otherPort}`)).toBe(refused);
    expect(await ask('named')).toBe(refused);
    expect(await ask('ftp:good:1')).toBe('400 invalid node request "ftp:good:1"');
    await wire.stop();
    for (const each of [listener, other.server]) each.close();
  },
  30_000,
);

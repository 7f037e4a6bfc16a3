import { connect, createServer } from 'node:tls';
import { SeededRandom } from '@drydock/foundation/random.ts';
import { SystemClock } from '@drydock/foundation/system-clock.ts';
import { Authority } from '@drydock/pki/authority.ts';
import { type CertifiedKey, clientCertificate, servingCertificate } from '@drydock/pki/certificate.ts';
import { beforeAll, expect, test } from 'vitest';
import { OptionalClientCertificate } from './credentials.ts';

const random = new SeededRandom(1).stream('certificates');
const nowMs = new SystemClock().wallMs();
const server = 'apiserver';
let ca: CertifiedKey;
let serving: CertifiedKey;
let known: CertifiedKey;
let foreign: CertifiedKey;

beforeAll(async () => {
  ca = await Authority.create('ca', nowMs, random);
  const authority = await Authority.load(ca, random);
  serving = await authority.issue(servingCertificate(server, [server]), nowMs);
  known = await authority.issue(clientCertificate('someone'), nowMs);
  const other = await Authority.load(await Authority.create('ca', nowMs, random), random);
  foreign = await other.issue(clientCertificate('evil', 'system:masters'), nowMs);
});

/** Connects to a server with these credentials: what it knows of the client. */
async function connection(client: CertifiedKey | undefined): Promise<{ authorized: boolean; names: boolean }> {
  const credentials = new OptionalClientCertificate({
    cert: serving.certificatePem,
    key: serving.keyPem,
    clientCa: ca.certificatePem,
  });
  const listener = createServer({ ...credentials._getSecureContextOptions(), ...credentials._getConstructorOptions() });
  const { promise, resolve, reject } = Promise.withResolvers<{ authorized: boolean; names: boolean }>();
  listener.on('tlsClientError', reject);
  listener.on('secureConnection', (socket) => {
    resolve({ authorized: socket.authorized, names: socket.getPeerCertificate().subject !== undefined });
    socket.end();
  });
  await new Promise<void>((done) => void listener.listen(0, '127.0.0.1', done));
  const address = listener.address();
  const port = address !== null && typeof address === 'object' ? address.port : 0;
  const pair = client === undefined ? {} : { cert: client.certificatePem, key: client.keyPem };
  const socket = connect({ host: '127.0.0.1', port, servername: server, ca: ca.certificatePem, ...pair });
  socket.on('error', reject);
  try {
    return await promise;
  } finally {
    socket.destroy();
    listener.close();
  }
}

test('a certificate of the client authority names the caller', async () => {
  expect(await connection(known)).toEqual({ authorized: true, names: true });
});

test('without a certificate the connection stands and names nobody', async () => {
  expect(await connection(undefined)).toEqual({ authorized: false, names: false });
});

test('a certificate of another authority is not taken for an identity', async () => {
  expect(await connection(foreign)).toMatchObject({ authorized: false });
});

// What is served where: sockets of files, both kinds of URLs at one address, certificates that are replaced.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { request as secureRequest } from 'node:https';
import { connect as connectTcp } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, type TLSSocket } from 'node:tls';
import { SeededRandom } from '@drydock/foundation/random.ts';
import { SystemClock } from '@drydock/foundation/system-clock.ts';
import { Authority } from '@drydock/pki/authority.ts';
import { forBothSides, servingCertificate } from '@drydock/pki/certificate.ts';
import { expect, onTestFinished, test } from 'vitest';
import { preface } from '../http2/frames.ts';
import { settings } from '../http2/testing/raw-client.ts';
import { parseUrls } from '../server/urls.ts';
import { freePort } from '../testing/free-ports.ts';
import { KeyPairFiles } from '../tls/key-pair-files.ts';
import type { TlsSettings } from '../tls/settings.ts';
import { connectionLimit } from './connection-limit.ts';
import { ClientListener, type ClientListenerOptions } from './listener.ts';

const clock = new SystemClock();

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'listener-'));
  onTestFinished(() => rmSync(path, { recursive: true }));
  return path;
}

async function listen(urls: readonly string[], tls?: TlsSettings, more: Partial<ClientListenerOptions> = {}): Promise<void> {
  const http = (_request: unknown, response: { end(text: string): unknown }) => void response.end('served');
  const listener = new ClientListener({ services: [], http, tls, receiveBytesMax: 1000, clock, ...more });
  for (const url of parseUrls(urls)) await listener.listen(url);
  onTestFinished(() => listener.stop((ms) => clock.sleep(ms)));
}

interface Place {
  readonly host?: string;
  readonly port?: number;
  readonly socketPath?: string;
}

function get(place: Place, ask: typeof request = request): Promise<string> {
  return new Promise((resolve, reject) => {
    const options = { ...place, path: '/', agent: false, rejectUnauthorized: false } as const;
    const asked = ask(options, (response) => {
      let text = '';
      response.on('data', (chunk) => {
        text += chunk;
      });
      response.on('end', () => resolve(text));
    });
    asked.on('error', reject).end();
  });
}

async function keyPair(commonName: string): Promise<{ cert: Buffer; key: Buffer }> {
  const random = new SeededRandom(commonName).stream('serial');
  const nowMs = clock.wallMs();
  const signer = await Authority.load(await Authority.create('authority', nowMs, random), random);
  const made = await signer.issue(forBothSides(servingCertificate(commonName, ['127.0.0.1'])), nowMs);
  return { cert: Buffer.from(made.certificatePem), key: Buffer.from(made.keyPem) };
}

test('a Unix socket serves, also where one was left behind', async () => {
  const path = join(folder(), 'client.sock');
  writeFileSync(path, '');
  await listen([`unix://${path}`]);
  expect(await get({ socketPath: path })).toBe('served');
});

test('one address serves with and without TLS', async () => {
  const port = await freePort();
  const pair = await keyPair('both');
  const tls = { ...pair, ca: undefined, clientCertAuth: false };
  await listen([`http://127.0.0.1:${port}`, `https://127.0.0.1:${port}`], tls);
  expect(await get({ host: '127.0.0.1', port })).toBe('served');
  expect(await get({ host: '127.0.0.1', port }, secureRequest)).toBe('served');
});

test('a certificate that is replaced counts for the next connection', async () => {
  const place = folder();
  const [certFile, keyFile] = [join(place, 'cert'), join(place, 'key')];
  const write = ({ cert, key }: { cert: Buffer; key: Buffer }) => {
    writeFileSync(certFile, cert);
    writeFileSync(keyFile, key);
  };
  write(await keyPair('first'));
  const files = new KeyPairFiles(certFile, keyFile);
  const port = await freePort();
  const tls = { ...files.current(), current: () => files.current(), ca: undefined, clientCertAuth: false };
  await listen([`https://127.0.0.1:${port}`], tls);
  const shown = async (): Promise<string | undefined> => {
    const socket: TLSSocket = connect({ host: '127.0.0.1', port, rejectUnauthorized: false });
    await new Promise<void>((resolve, reject) => socket.on('secureConnect', resolve).on('error', reject));
    const { subject } = socket.getPeerCertificate();
    socket.destroy();
    return String(subject.CN);
  };
  expect(await shown()).toBe('first');
  const second = await keyPair('second');
  // One file alone is no pair.
  writeFileSync(certFile, second.cert);
  expect(await shown()).toBe('first');
  write(second);
  expect(await shown()).toBe('second');
  // What cannot be read leaves the last one in use, and is told once.
  writeFileSync(certFile, 'no certificate');
  const failures: string[] = [];
  for (let i = 0; i < 2; i++) expect(files.current(({ message }) => failures.push(message)).cert).toEqual(second.cert);
  expect(failures).toHaveLength(1);
  expect(await shown()).toBe('second');
});

test('a handshake that is left open ends after its time, a connection that was opened in time goes on', async () => {
  const port = await freePort();
  const tls = { ...(await keyPair('patient')), ca: undefined, clientCertAuth: false };
  await listen([`https://127.0.0.1:${port}`], tls, { openingMs: 1500 });
  const silent = connectTcp(port, '127.0.0.1');
  const begun = connectTcp(port, '127.0.0.1');
  begun.write(Buffer.from('16030100', 'hex'));
  const mute = connect({ host: '127.0.0.1', port, rejectUnauthorized: false, ALPNProtocols: ['h2'] });
  const served = connect({ host: '127.0.0.1', port, rejectUnauthorized: false, ALPNProtocols: ['h2'] });
  served.write(Buffer.concat([preface, settings()]));
  const closed: string[] = [];
  for (const [name, socket] of Object.entries({ silent, begun, mute, served })) {
    onTestFinished(() => void socket.destroy());
    socket
      .on('error', () => {})
      .on('close', () => closed.push(name))
      .resume();
  }
  await expect.poll(() => closed.toSorted(), { timeout: 10_000 }).toEqual(['begun', 'mute', 'silent']);
});

test('a connection to a port of HTTP alone goes on beyond the time that it has for a beginning', async () => {
  const port = await freePort();
  const http = (_request: unknown, response: { write(text: string): unknown; end(text: string): unknown }): void => {
    response.write('begun, ');
    void clock.sleep(700).then(() => response.end('ended'));
  };
  const listener = new ClientListener({ services: [], http, tls: undefined, receiveBytesMax: 1000, clock, openingMs: 300 });
  for (const url of parseUrls([`http://127.0.0.1:${port}`])) await listener.listen(url, true);
  onTestFinished(() => listener.stop((ms) => clock.sleep(ms)));
  expect(await get({ port })).toBe('begun, ended');
});

test('more connections than allowed are closed at once; who is there is served', async () => {
  const port = await freePort();
  await listen([`http://127.0.0.1:${port}`], undefined, { connectionsMax: 3 });
  const sockets = [1, 2].map(() => connectTcp(port, '127.0.0.1').on('error', () => {}));
  for (const socket of sockets) onTestFinished(() => void socket.destroy());
  await Promise.all(sockets.map((socket) => new Promise((resolve) => socket.once('connect', resolve))));
  expect(await get({ host: '127.0.0.1', port })).toBe('served');
  const third = connectTcp(port, '127.0.0.1').on('error', () => {});
  const fourth = connectTcp(port, '127.0.0.1')
    .on('error', () => {})
    .resume();
  onTestFinished(() => void third.destroy());
  await new Promise((resolve) => fourth.once('close', resolve));
});

test.each([
  ['65534', 32768],
  ['1024', 874],
  ['100', 1],
])('with %s open files a port takes %i connections', (files, connections) => {
  expect(connectionLimit(`Limit  Soft Limit  Hard Limit  Units\nMax open files            ${files}  1048576  files\n`)).toBe(
    connections,
  );
  expect(connectionLimit('')).toBe(32768);
});

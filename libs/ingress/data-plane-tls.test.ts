// The data plane with real sockets: certificates by the name that a client asks for, and their files.
import type { IncomingMessage } from 'node:http';
import { request as requestTls } from 'node:https';
import { connect as connectTls } from 'node:tls';
import { describe, expect, test } from 'vitest';
import { objects, served, setUp, web } from './testing/data-plane.ts';
import { missing } from './testing/served.ts';

describe.skipIf(missing !== undefined)(`the data plane on nginx (${missing ?? 'installed'})`, () => {
  setUp();

  /** The name of the certificate that a client is shown who asks for this host. */
  function certificateFor(servername: string): Promise<string> {
    return new Promise((resolve, reject) => {
      const socket = connectTls({ host: '127.0.0.1', port: served.httpsPort, servername, rejectUnauthorized: false }, () => {
        resolve(String(socket.getPeerCertificate().subject.CN));
        socket.destroy();
      });
      socket.on('error', reject);
    });
  }

  test('TLS by SNI: the host’s own certificate, a wildcard, the fake one where none fits; HSTS; a changed Secret', async () => {
    await served.show(
      objects(
        { web: [web] },
        { host: 'example.com', paths: ['Prefix / web'], tls: [{ hosts: ['example.com'], secretName: 'tls' }] },
        { name: 'w', host: '*.example.com', paths: ['Prefix / web'], tls: [{ hosts: ['*.example.com'], secretName: 'wild' }] },
        { name: 'n', host: 'none.org', paths: ['Prefix / web'] },
      ),
    );
    expect(await certificateFor('example.com')).toBe('tls');
    expect(await certificateFor('a.example.com')).toBe('wild');
    expect(await certificateFor('none.org')).toBe('Kubernetes Ingress Controller Fake Certificate');
    expect(await certificateFor('nobody.org')).toBe('Kubernetes Ingress Controller Fake Certificate');
    const answer = await new Promise<IncomingMessage>((resolve, reject) => {
      const options = { host: '127.0.0.1', port: served.httpsPort, servername: 'example.com', rejectUnauthorized: false };
      requestTls({ ...options, headers: { host: 'example.com' }, agent: false }, resolve)
        .on('error', reject)
        .end();
    });
    answer.resume();
    expect(answer.statusCode).toBe(200);
    expect(answer.headers['strict-transport-security']).toBe('max-age=31536000; includeSubDomains');
  });

  test('a Secret’s key is readable by its owner only, and is removed with it', async () => {
    const { readdirSync, statSync } = await import('node:fs');
    const rule = { host: 'example.com', paths: ['Prefix / web'] };
    await served.show(objects({ web: [web] }, { ...rule, tls: [{ hosts: ['example.com'], secretName: 'tls' }] }));
    const folder = `${served.folder}/here/tls`;
    expect(statSync(folder).mode & 0o777).toBe(0o700);
    expect(statSync(`${folder}/default_tls.key`).mode & 0o777).toBe(0o600);
    await served.show(objects({ web: [web] }, rule));
    expect(readdirSync(folder).filter((name) => name.startsWith('default_'))).toEqual([]);
  });
});

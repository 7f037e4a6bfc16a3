// Logs through a kubelet's HTTPS API that breaks off.
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { SystemClock } from '@drydock/foundation/system-clock.ts';
import { SystemRandom } from '@drydock/foundation/system-random.ts';
import { Authority } from '@drydock/pki/authority.ts';
import { servingCertificate } from '@drydock/pki/certificate.ts';
import { expect, test } from 'vitest';
import { WireServer } from '../testing/wire.ts';

const inNamespace = '/api/v1/namespaces/default';

test('a log that is followed ends where the kubelet goes away', async () => {
  const random = new SystemRandom().stream('kubelet');
  const nowMs = new SystemClock().wallMs();
  const authority = await Authority.load(await Authority.create('kubelets', nowMs, random), random);
  const serving = await authority.issue(servingCertificate('node', ['127.0.0.1']), nowMs);
  let asked = '';
  const kubelet = createServer({ cert: serving.certificatePem, key: serving.keyPem }, (req, res) => {
    asked = req.url ?? '';
    res.writeHead(200);
    res.write('a line\n', () => res.destroy());
  });
  await new Promise<void>((done) => void kubelet.listen(0, '127.0.0.1', done));
  const server = await WireServer.start();
  const user = await server.operator();
  await user.call('POST', `${inNamespace}/serviceaccounts`, { body: { metadata: { name: 'default' } } });
  await user.call('POST', '/api/v1/nodes', { body: { metadata: { name: 'n' } } });
  const Port = (kubelet.address() as AddressInfo).port;
  const status = { addresses: [{ type: 'InternalIP', address: '127.0.0.1' }], daemonEndpoints: { kubeletEndpoint: { Port } } };
  await user.call('PATCH', '/api/v1/nodes/n/status', { body: { status }, type: 'application/merge-patch+json' });
  const spec = { nodeName: 'n', containers: [{ name: 'c', image: 'i' }] };
  const made = await user.call('POST', `${inNamespace}/pods`, { body: { metadata: { name: 'p' }, spec } });
  expect(made.code).toBe(201);
  const { code, body } = await user.call('GET', `${inNamespace}/pods/p/log?follow=true`);
  expect([code, body]).toEqual([200, 'a line\n']);
  expect(asked).toBe('/containerLogs/default/p/c?follow=true');
  await server.stop();
  kubelet.close();
}, 30_000);

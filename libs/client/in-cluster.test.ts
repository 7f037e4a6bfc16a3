import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { inClusterConfig } from './in-cluster.ts';

const env = { KUBERNETES_SERVICE_HOST: '10.96.0.1', KUBERNETES_SERVICE_PORT: '443' };

function accountFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'drydock-account-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return folder;
}

test('a pod reaches the API server by its Service, with the token that its files have from time to time', () => {
  const folder = accountFolder();
  for (const [name, text] of Object.entries({ token: 't', 'ca.crt': 'CERTIFICATE', namespace: 'ingress-nginx\n' }))
    writeFileSync(join(folder, name), text);
  expect(inClusterConfig(env, folder)).toEqual({
    server: 'https://10.96.0.1:443',
    ca: Buffer.from('CERTIFICATE'),
    tokenFile: join(folder, 'token'),
    namespace: 'ingress-nginx',
  });
  expect(inClusterConfig({ ...env, KUBERNETES_SERVICE_HOST: 'fd00::1' }, folder)?.server).toBe('https://[fd00::1]:443');
});

test('without an account, or outside of a cluster, there is no connection', () => {
  const folder = accountFolder();
  expect(inClusterConfig(env, folder)).toBeUndefined();
  writeFileSync(join(folder, 'token'), 't');
  expect(inClusterConfig({}, folder)).toBeUndefined();
});

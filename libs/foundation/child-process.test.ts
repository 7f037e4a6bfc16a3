import { promisify } from 'node:util';
import { afterEach, expect, test } from 'vitest';
import { execa, execFile, execFileSync, spawn, spawnSync } from './child-process.ts';
import { cleanEnvironment, isTroublesome, proxySettings } from './clean-environment.ts';

const hostile: Readonly<Record<string, string>> = {
  ETCDCTL_ENDPOINTS: 'https://127.0.0.1:1',
  ETCDCTL_CACERT: '/nope',
  ETCD_NAME: 'x',
  KUBECONFIG: '/nope',
  KUBERNETES_SERVICE_HOST: '10.0.0.1',
  NODE_OPTIONS: '--max-old-space-size=20',
  NODE_EXTRA_CA_CERTS: '/nope',
  HTTPS_PROXY: 'http://127.0.0.1:1',
  http_proxy: 'http://127.0.0.1:1',
  no_proxy: '*',
  LC_ALL: 'de_DE.UTF-8',
  LANG: 'de_DE.UTF-8',
  DRYDOCK_NAME: 'other',
  DRYDOCK_DIR: '',
  DRYDOCK_LAB: '/other',
  DRYDOCK_DISK_FAULTS: '/nope',
};
const before = Object.fromEntries(Object.entries(process.env));
afterEach(() => {
  for (const name of Object.keys(hostile)) {
    if (before[name] === undefined) delete process.env[name];
    else process.env[name] = before[name];
  }
});

const lines = (text: string) =>
  Object.fromEntries(
    text
      .split('\n')
      .filter((line) => line.includes('='))
      .map((line) => line.split(/=(.*)/s).slice(0, 2)),
  );

test.each<[string, () => Promise<string> | string]>([
  ['execa', async () => (await execa('env', [], { env: { OWN: '1' } })).stdout],
  ['execa without options', async () => `${(await execa('env')).stdout}\nOWN=1`],
  ['spawnSync', () => spawnSync('env', [], { encoding: 'utf8', env: { OWN: '1' } }).stdout],
  ['execFileSync', () => execFileSync('env', { encoding: 'utf8', env: { OWN: '1' } })],
  ['execFile, promisified', async () => (await promisify(execFile)('env', [], { env: { OWN: '1' } })).stdout],
  ['execFile', () => new Promise((resolve) => execFile('env', (_, stdout) => resolve(`${stdout}\nOWN=1`)))],
  [
    'spawn',
    async () => {
      const child = spawn('env', { stdio: ['ignore', 'pipe', 'ignore'], env: { OWN: '1' } });
      let text = '';
      for await (const chunk of child.stdout) text += chunk;
      return text;
    },
  ],
])('what %s starts sees nothing of a shell that is set up for another cluster', async (_, run) => {
  Object.assign(process.env, hostile);
  const seen = lines(await run());
  expect(Object.keys(seen).filter((name) => name in hostile && name !== 'LANG')).toEqual([]);
  expect(seen).toMatchObject({ OWN: '1', PATH: process.env.PATH, LANG: 'C.UTF-8' });
});

test('what is kept, what is added and what a caller takes away', () => {
  expect(cleanEnvironment({ PATH: '/bin', KUBECONFIG: 'x', DRYDOCK_TEST_RUN: 'r' }, { A: 'b', PATH: undefined })).toEqual({
    PATH: '/bin',
    DRYDOCK_TEST_RUN: 'r',
    LANG: 'C.UTF-8',
    A: 'b',
  });
  expect(proxySettings({ HTTP_PROXY: 'a', no_proxy: 'b', PATH: 'c' })).toEqual({ HTTP_PROXY: 'a', no_proxy: 'b' });
  expect(Object.keys(hostile).filter((name) => !isTroublesome(name))).toEqual(['LANG']);
});

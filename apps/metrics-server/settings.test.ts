import { parseFlags } from '@drydock/foundation/flags.ts';
import { expect, test } from 'vitest';
import { flags, ignoredFlags, refusedFlags } from './flags.ts';
import { accessOf, checkFlags, kubeletTls, nodeSelector } from './settings.ts';

const dialect = { style: 'pflag', ignored: ignoredFlags, refused: refusedFlags } as const;
const given = (...args: string[]) => parseFlags(flags, args, dialect).values;

test('the arguments of the original manifest are taken', () => {
  const values = given(
    '--cert-dir=/tmp',
    '--secure-port=10250',
    '--kubelet-preferred-address-types=InternalIP,ExternalIP,Hostname',
    '--kubelet-use-node-status-port',
    '--metric-resolution=15s',
  );
  checkFlags(values);
  expect(values).toMatchObject({
    'secure-port': 10_250,
    'metric-resolution': 15_000,
    'kubelet-use-node-status-port': true,
    'kubelet-preferred-address-types': ['InternalIP', 'ExternalIP', 'Hostname'],
  });
});

test.each([
  [['--metric-resolution=5s'], 'metric-resolution should be a time duration at least 10s, but value 5s provided'],
  [
    ['--metric-resolution=11s'],
    'metric-resolution should be larger than kubelet-request-timeout, but metric-resolution value 11s kubelet-request-timeout value 10s provided',
  ],
  [['--kubelet-request-timeout=0s'], 'kubelet-request-timeout should be positive'],
  [
    ['--kubelet-insecure-tls', '--kubelet-certificate-authority=/ca'],
    'cannot use both --kubelet-certificate-authority and --kubelet-insecure-tls',
  ],
  [['--kubelet-client-key=/key'], 'need both --kubelet-client-key and --kubelet-client-certificate'],
  [['--secure-port=70000'], '--secure-port 70000 must be between 1 and 65535, inclusive'],
])('%s is refused', (args, message) => {
  expect(() => checkFlags(given(...args))).toThrow(message);
});

test('what is not served is refused by name', () => {
  expect(() => given('--deprecated-kubelet-completely-insecure')).toThrow(
    '--deprecated-kubelet-completely-insecure is not served',
  );
  expect(() => given('--audit-log-path=-')).toThrow('--audit-log-path is not served');
  expect(() => nodeSelector(given('-l', 'a===b'))).toThrow('--node-selector: ');
  expect(nodeSelector(given('-l', 'zone=a'))).toMatchObject([{ key: 'zone', values: ['a'] }]);
});

test('kubelets are met as the API server is, but for what the flags say', () => {
  const config = { server: 'https://a', ca: Buffer.from('CA'), cert: Buffer.from('C'), key: Buffer.from('K') };
  expect(kubeletTls(given(), config)).toEqual({ ca: config.ca, insecure: false, cert: config.cert, key: config.key });
  expect(kubeletTls(given('--kubelet-insecure-tls'), config)).toMatchObject({ ca: undefined, insecure: true });
  expect(kubeletTls(given(), { ...config, insecureSkipTlsVerify: true })).toMatchObject({ insecure: true });
  const ca = `--kubelet-certificate-authority=${import.meta.filename}`;
  expect(kubeletTls(given(ca), { ...config, insecureSkipTlsVerify: true })).toMatchObject({ insecure: false });
  expect(() => kubeletTls(given('--kubelet-certificate-authority=/nowhere/ca'), config)).toThrow(
    '--kubelet-certificate-authority: ',
  );
});

test('who may ask is looked up with --kubeconfig, unless the flags say otherwise', () => {
  expect(accessOf(given('--kubeconfig=/k', '--authorization-kubeconfig=/a'))).toMatchObject({
    'authentication-kubeconfig': '/k',
    'authorization-kubeconfig': '/a',
  });
});

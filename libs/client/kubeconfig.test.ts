import { expect, test } from 'vitest';
import { grpcAddresses, parseKubeconfig } from './kubeconfig.ts';

const pem = (label: string) => Buffer.from(`-----BEGIN ${label}-----\nAA==\n-----END ${label}-----\n`).toString('base64');

function document(cluster: object = {}, user: object = {}) {
  return {
    'current-context': 'c',
    contexts: [{ name: 'c', context: { cluster: 'k', user: 'u', namespace: 'n' } }],
    clusters: [
      { name: 'k', cluster: { server: 'https://h:6443', 'certificate-authority-data': pem('CERTIFICATE'), ...cluster } },
    ],
    users: [
      { name: 'u', user: { 'client-certificate-data': pem('CERTIFICATE'), 'client-key-data': pem('PRIVATE KEY'), ...user } },
    ],
  };
}
const parse = (value: unknown) => parseKubeconfig(value, 'kc', (file) => Buffer.from(`content of ${file}: CERTIFICATE`));

test('reads a certificate user', () => {
  const config = parse(document());
  expect(config).toMatchObject({ server: 'https://h:6443', namespace: 'n', insecureSkipTlsVerify: false });
  expect(config.key?.toString()).toContain('PRIVATE KEY');
});

test('reads files that fields name', () => {
  expect(parse(document({ 'certificate-authority-data': undefined, 'certificate-authority': 'ca.pem' })).ca?.toString()).toBe(
    'content of ca.pem: CERTIFICATE',
  );
});

test('several servers of our own wire', () => {
  expect(grpcAddresses(parse(document({ server: 'grpcs://a:1,[::1]:2' })).server)).toEqual(['a:1', '[::1]:2']);
});

test.each([
  ['not a mapping', [], 'kc: expected a mapping'],
  ['no context', { ...document(), 'current-context': '' }, 'kc: current-context: expected the name of a context'],
  ['unknown context', { ...document(), 'current-context': 'z' }, 'kc: contexts: no entry with the name "z"'],
  ['no server', document({ server: '' }), 'kc: clusters[0].cluster: server: expected https://HOST:PORT or grpcs://'],
  ['plain http', document({ server: 'http://h' }), 'got "http://h"'],
  ['bad address', document({ server: 'grpcs://a:1,b' }), 'expected HOST:PORT after grpcs://, got "b"'],
  [
    'not a certificate',
    document({ 'certificate-authority-data': 'AAAA' }),
    'certificate-authority-data: expected base64 of a PEM block',
  ],
  ['no key', document({}, { 'client-key-data': undefined }), 'kc: users[0].user: client-key: a client certificate and its key'],
  ['exec plugin', document({}, { exec: {} }), 'users[0].user: exec: this way to authenticate is not supported'],
  ['type', document({ 'insecure-skip-tls-verify': 'yes' }), 'insecure-skip-tls-verify: expected true or false, got "yes"'],
])('names what is wrong: %s', (_name, value, message) => {
  expect(() => parse(value)).toThrow(message);
});

import type { Pod } from '@drydock/api/generated/types.ts';
import { expect, test } from 'vitest';
import { configMapFiles, downwardFiles, type PayloadContext, projectedFiles, secretFiles } from './payload.ts';

const pod: Pod = {
  metadata: { name: 'p', namespace: 'd', uid: 'u', labels: { b: '2', a: 'one "two"' } },
  spec: { containers: [{ name: 'c', resources: { limits: { memory: '64Mi' } } }] },
};
const context = (more: Partial<Pod['spec']> = {}): PayloadContext => ({
  pod: { ...pod, spec: { containers: [], ...pod.spec, ...more } },
  references: {
    configMap: (_, name) =>
      name === 'map' ? { data: { a: '1' }, binaryData: { b: Buffer.from([0, 255]).toString('base64') } } : undefined,
    secret: (_, name) => (name === 'secret' ? { data: { s: Buffer.from('x').toString('base64') } } : undefined),
  },
  facts: { nodeName: 'n', hostIp: '1.1.1.1', podIps: [], allocatable: {} },
  token: (audience, seconds) => `token-${audience}-${seconds}`,
});
const plain = (files: ReadonlyMap<string, { data: Uint8Array; mode: number }>) =>
  Object.fromEntries(
    [...files].map(([path, { data, mode }]) => [path, `${Buffer.from(data).toString('latin1')} ${mode.toString(8)}`]),
  );

test('all keys, or the chosen ones with their modes', () => {
  expect(plain(configMapFiles(context(), 'map', undefined, 0o644))).toEqual({ a: '1 644', b: '\u0000ÿ 644' });
  expect(plain(configMapFiles(context(), 'map', [{ key: 'a', path: 'x/y', mode: 0o400 }], 0o644))).toEqual({ 'x/y': '1 400' });
  expect(plain(secretFiles(context(), 'secret', undefined, 0o600))).toEqual({ s: 'x 600' });
});

test.each([
  ['map', () => configMapFiles(context(), 'no', undefined, 0o644), 'configmap "no" not found'],
  ['secret', () => secretFiles(context(), 'no', undefined, 0o644), 'secret "no" not found'],
  ['key', () => configMapFiles(context(), 'map', [{ key: 'z', path: 'z' }], 0o644), 'non-existent config key: z'],
])('a missing %s is an error, unless it is optional', (_, make, message) => {
  expect(make).toThrow(message);
  expect(plain(configMapFiles(context(), 'no', undefined, 0o644, true))).toEqual({});
});

test('fields and resources', () => {
  const items = [
    { path: 'labels', fieldRef: { fieldPath: 'metadata.labels' } },
    { path: 'memory', resourceFieldRef: { containerName: 'c', resource: 'limits.memory', divisor: '1Mi' }, mode: 0o400 },
  ];
  expect(plain(downwardFiles(context(), items, 0o644))).toEqual({ labels: 'a="one \\"two\\""\nb="2" 644', memory: '64 400' });
  expect(() => downwardFiles(context(), [{ path: 'x', fieldRef: { fieldPath: 'spec.nope' } }], 0o644)).toThrow('x');
});

test('several sources in one volume; a token is for its group alone where there is one', () => {
  const sources = [{ configMap: { name: 'map' } }, { serviceAccountToken: { path: 't', audience: 'v' } }];
  expect(plain(projectedFiles(context(), sources, 0o644))).toMatchObject({ a: '1 644', t: 'token-v-3600 644' });
  expect(plain(projectedFiles(context({ securityContext: { fsGroup: 7 } }), sources, 0o644))).toMatchObject({
    t: 'token-v-3600 600',
  });
});

test.each(['clusterTrustBundle', 'podCertificate', 'whatComesNext'])('a source that is not served is an error: %s', (kind) => {
  const sources = [{ configMap: { name: 'map' } }, { [kind]: { path: 'p' } }];
  expect(() => projectedFiles(context(), sources, 0o644)).toThrow(`projected source ${kind} cannot be served by this kubelet`);
});

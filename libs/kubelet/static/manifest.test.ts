import { expect, test } from 'vitest';
import { ManifestError, type Origin, readPod, readPods } from './manifest.ts';

const file: Origin = { source: 'file', from: '/etc/kubernetes/manifests/web.yaml', nodeName: 'node-1' };
const http: Origin = { ...file, source: 'http', from: 'http://manifests/' };
const web = `
apiVersion: v1
kind: Pod
metadata:
  name: web
  labels: {app: web}
spec:
  containers:
  - name: web
    image: nginx
`;

test('a manifest is a pod of the node that reads it', () => {
  const pod = readPod(web, file);
  expect(pod).toMatchObject({
    metadata: {
      name: 'web-node-1',
      namespace: 'default',
      labels: { app: 'web' },
      annotations: { 'kubernetes.io/config.hash': pod.metadata?.uid, 'kubernetes.io/config.source': 'file' },
    },
    spec: {
      nodeName: 'node-1',
      restartPolicy: 'Always',
      tolerations: [{ operator: 'Exists', effect: 'NoExecute' }],
      containers: [{ name: 'web', imagePullPolicy: 'Always' }],
    },
    status: { phase: 'Pending' },
  });
  expect(pod.metadata?.uid).toMatch(/^[0-9a-f]{32}$/);
});

test('its uid is that of the manifest, its place and its node, and no other', () => {
  const uid = (text: string, origin: Origin) => readPod(text, origin).metadata?.uid;
  expect(uid(web, file)).toBe(uid(web, file));
  const others = [
    uid(web.replace('nginx', 'nginx:2'), file),
    uid(web, { ...file, from: '/other.yaml' }),
    uid(web, { ...file, nodeName: 'b' }),
  ];
  expect(new Set([uid(web, file), uid(web, http), ...others]).size).toBe(5);
  expect(uid(web.replace('name: web', 'uid: ../../../etc\n  name: web'), file)).toMatch(/^[0-9a-f]{32}$/);
});

test('JSON is as good as YAML, and a pod of a URL is evicted as others are', () => {
  const json = JSON.stringify({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'j' },
    spec: { containers: [{ name: 'c', image: 'i' }] },
  });
  const [pod, ...more] = readPods(json, http);
  expect(pod).toMatchObject({ metadata: { name: 'j-node-1', annotations: { 'kubernetes.io/config.source': 'http' } } });
  expect([pod?.spec?.tolerations, more]).toEqual([undefined, []]);
});

test('of several documents the first counts, as upstream has it', () => {
  const [first, ...more] = readPods(`---\n${web}---\nkind: Other\n`, http);
  expect([first?.metadata?.name, more]).toEqual(['web-node-1', []]);
});

test('a URL may give a list', () => {
  const item = (name: string) => ({ metadata: { name }, spec: { containers: [{ name: 'c', image: 'i' }] } });
  const list = { apiVersion: 'v1', kind: 'PodList', items: [item('a'), item('b')] };
  expect(readPods(JSON.stringify(list), http).map(({ metadata }) => metadata?.name)).toEqual(['a-node-1', 'b-node-1']);
  expect(() => readPods(JSON.stringify({ ...list, items: [item('a'), { metadata: { name: 'b' } }] }), http)).toThrow(
    ManifestError,
  );
  expect(() => readPod(JSON.stringify(list), file)).toThrow('no pod, but kind "PodList" of version "v1"');
});

const spec = (text: string) => web.replace('spec:', `spec:\n  ${text}`);
test.each([
  ['', "couldn't parse as pod(invalid pod: Object 'Kind' is missing), please check config file"],
  ['{"kind":', "couldn't parse as pod("],
  ['a: [', "couldn't parse as pod("],
  ['kind: Service\napiVersion: v1\n', 'no pod, but kind "Service" of version "v1"'],
  [web.replace('name: web\n  labels', 'labels'), 'metadata.name: Required value'],
  [web.replace('name: web\n  labels', 'name: ../../etc\n  labels'), 'invalid pod: metadata.name: Invalid value'],
  [web.replace('labels', 'namespace: ../..\n  labels'), 'invalid pod: metadata.namespace: Invalid value'],
  [web.replace('image: nginx', 'image: nginx\n    ports: [{containerPort: 99999}]'), 'containerPort: Invalid value: 99999'],
  [web.replace('image: nginx', 'image: 5'), 'cannot unmarshal number'],
  [spec('serviceAccountName: x'), 'static pods may not reference serviceaccounts'],
  [spec('resourceClaims: [{name: a, resourceClaimName: b}]'), 'static pods may not reference resourceclaims'],
  [spec('ephemeralContainers: [{name: e, image: i}]'), 'spec.ephemeralContainers: Forbidden: cannot be set on create'],
  ['---\n', "couldn't parse as pod(invalid pod: Object 'Kind' is missing)"],
  [spec('volumes: [{name: v, secret: {secretName: s}}]'), 'static pods may not reference secrets'],
  [spec('volumes: [{name: v, configMap: {name: s}}]'), 'static pods may not reference configmaps'],
  [spec('volumes: [{name: v, persistentVolumeClaim: {claimName: s}}]'), 'static pods may not reference persistentvolumeclaims'],
  [web.replace('image: nginx', 'image: nginx\n    envFrom: [{secretRef: {name: s}}]'), 'static pods may not reference secrets'],
])('%j is refused', (text, message) => {
  expect(() => readPod(text, file)).toThrow(ManifestError);
  expect(() => readPod(text, file)).toThrow(message);
});

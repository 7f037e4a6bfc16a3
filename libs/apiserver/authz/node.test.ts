import type { Pod } from '@drydock/api/generated/types.ts';
import { expect, test } from 'vitest';
import { NodeAuthorizer } from './node.ts';
import { secretsOfVolume } from './pod-references.ts';

const pod = {
  metadata: { namespace: 'default', name: 'p' },
  spec: {
    nodeName: 'n',
    containers: [],
    volumes: [
      { name: 'scratch', ephemeral: {} },
      { name: 'd', persistentVolumeClaim: { claimName: 'c' } },
    ],
    resourceClaims: [
      { name: 'gpu', resourceClaimName: 'named' },
      { name: 'net', resourceClaimTemplateName: 't' },
    ],
  },
  status: { resourceClaimStatuses: [{ name: 'net', resourceClaimName: 'made' }] },
} as unknown as Pod;

const authorizer = new NodeAuthorizer(
  {
    podsOnNode: (node) => (node === 'n' ? [pod] : []),
    nodeOfPod: () => undefined,
    nodeOfSlice: () => undefined,
    nodeOfAttachment: (name) => (name === 'a' ? 'n' : undefined),
    volumeOfClaim: (_namespace, name) => `of-${name}`,
    secretsOfVolume: (name) =>
      secretsOfVolume({
        spec: {
          csi: {
            driver: 'd',
            volumeHandle: 'h',
            nodeStageSecretRef: { namespace: 'kube-system', name: `stage-${name}` },
            nodePublishSecretRef: { namespace: 'kube-system', name: `publish-${name}` },
            controllerPublishSecretRef: { namespace: 'kube-system', name: `controller-${name}` },
          },
        },
      }),
  },
  [],
);

function may(
  node: string,
  verb: string,
  resource: string,
  namespace: string,
  name: string,
  subresource = '',
  group = '',
): boolean {
  const user = { name: `system:node:${node}`, uid: '', groups: ['system:nodes'], extra: {} };
  const rest = { group, version: 'v1', path: '', isResource: true };
  return authorizer.authorize({ user, verb, resource, namespace, name, subresource, ...rest }).allowed;
}

test.each(['c', 'p-scratch'])('a node reads the claim %s of its pod, and the volume behind it', (claim) => {
  for (const [node, allowed] of [
    ['n', true],
    ['other', false],
  ] as const) {
    expect(may(node, 'get', 'persistentvolumeclaims', 'default', claim)).toBe(allowed);
    expect(may(node, 'patch', 'persistentvolumeclaims', 'default', claim, 'status')).toBe(allowed);
    expect(may(node, 'get', 'persistentvolumes', '', `of-${claim}`)).toBe(allowed);
  }
  expect(may('n', 'get', 'persistentvolumeclaims', 'elsewhere', claim)).toBe(false);
});

test('a node reads the secrets that the volumes of its pods are mounted with, and no other', () => {
  const maySecret = (node: string, name: string, namespace = 'kube-system') => may(node, 'get', 'secrets', namespace, name);
  expect(['stage-of-c', 'publish-of-c', 'stage-of-p-scratch'].map((name) => maySecret('n', name))).toEqual([true, true, true]);
  expect(maySecret('n', 'controller-of-c')).toBe(false);
  expect(maySecret('n', 'stage-of-x')).toBe(false);
  expect(maySecret('n', 'stage-of-c', 'default')).toBe(false);
  expect(maySecret('other', 'stage-of-c')).toBe(false);
  expect(may('n', 'delete', 'secrets', 'kube-system', 'stage-of-c')).toBe(false);
  expect(may('n', 'list', 'secrets', 'kube-system', '')).toBe(false);
});

test('a node reads no claim of a like name', () => {
  for (const name of ['scratch', 'p-d', 'p-c', 'p'])
    expect(may('n', 'get', 'persistentvolumeclaims', 'default', name)).toBe(false);
});

test('a node gets the devices of its pods and the attachments to itself, one by one, and nothing else of them', () => {
  const claim = (node: string, verb: string, name: string, subresource = '') =>
    may(node, verb, 'resourceclaims', 'default', name, subresource, 'resource.k8s.io');
  const attachment = (node: string, verb: string, name: string, subresource = '') =>
    may(node, verb, 'volumeattachments', '', name, subresource, 'storage.k8s.io');
  for (const name of ['named', 'made']) expect([claim('n', 'get', name), claim('other', 'get', name)]).toEqual([true, false]);
  for (const name of ['gpu', 'net', 't', '']) expect(claim('n', 'get', name)).toBe(false);
  expect([attachment('n', 'get', 'a'), attachment('other', 'get', 'a'), attachment('n', 'get', 'b')]).toEqual([
    true,
    false,
    false,
  ]);
  for (const verb of ['list', 'watch', 'update', 'patch', 'delete', 'create']) {
    expect([verb, claim('n', verb, 'named')]).toEqual([verb, false]);
    expect([verb, attachment('n', verb, 'a')]).toEqual([verb, false]);
  }
  expect([claim('n', 'get', 'named', 'status'), attachment('n', 'get', 'a', 'status')]).toEqual([false, false]);
});

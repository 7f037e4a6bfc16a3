import type { Pod } from '@drydock/api/generated/types.ts';
import { expect, test } from 'vitest';
import { NodeAuthorizer } from './node.ts';

const pod = {
  metadata: { namespace: 'default', name: 'p' },
  spec: {
    nodeName: 'n',
    containers: [],
    volumes: [
      { name: 'scratch', ephemeral: {} },
      { name: 'd', persistentVolumeClaim: { claimName: 'c' } },
    ],
  },
} as unknown as Pod;

const authorizer = new NodeAuthorizer(
  {
    podsOnNode: (node) => (node === 'n' ? [pod] : []),
    nodeOfPod: () => undefined,
    nodeOfSlice: () => undefined,
    volumeOfClaim: (_namespace, name) => `of-${name}`,
  },
  [],
);

function may(node: string, verb: string, resource: string, namespace: string, name: string, subresource = ''): boolean {
  const user = { name: `system:node:${node}`, uid: '', groups: ['system:nodes'], extra: {} };
  const rest = { group: '', version: 'v1', path: '', isResource: true };
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

test('a node reads no claim of a like name', () => {
  for (const name of ['scratch', 'p-d', 'p-c', 'p'])
    expect(may('n', 'get', 'persistentvolumeclaims', 'default', name)).toBe(false);
});

import { expect, test } from 'vitest';
import { modelSchema } from './schema.ts';
import { findKind, findResource, findSubresource, groups, resources } from './scheme.ts';

test('every resource and subresource has the models it names', () => {
  for (const info of resources) {
    expect(modelSchema(info.modelName).goName).toBe(info.kind);
    if (info.listModelName !== '') expect(modelSchema(info.listModelName).goName).toBe(info.listKind);
    for (const sub of info.subresources) if (sub.modelName !== '') expect(modelSchema(sub.modelName).goName).toBe(sub.kind);
    expect(findResource(info.group, info.version, info.resource)).toBe(info);
    expect(findKind(info.group, info.version, info.kind)).toBe(info);
  }
});

test.each([
  ['', 'v1', 'pods', 'Pod', true, 'v1'],
  ['apps', 'v1', 'deployments', 'Deployment', true, 'apps/v1'],
  ['autoscaling', 'v1', 'horizontalpodautoscalers', 'HorizontalPodAutoscaler', true, 'autoscaling/v2'],
  ['events.k8s.io', 'v1', 'events', 'Event', true, 'v1'],
  ['', 'v1', 'nodes', 'Node', false, 'v1'],
])('%s/%s %s', (group, version, resource, kind, namespaced, storageVersion) => {
  expect(findResource(group, version, resource)).toMatchObject({ kind, namespaced, storageVersion });
});

test('subresources carry the kind of their bodies', () => {
  const pods = findResource('', 'v1', 'pods');
  if (pods === undefined) throw new Error('no pods');
  expect(findSubresource(pods, 'eviction')).toMatchObject({
    kind: 'Eviction',
    group: 'policy',
    version: 'v1',
    verbs: ['create'],
  });
  expect(findSubresource(pods, 'exec')).toMatchObject({ kind: 'PodExecOptions', verbs: ['create', 'get'], modelName: '' });
  expect(findSubresource(pods, 'nope')).toBeUndefined();
  expect(findResource('apps', 'v2', 'deployments')).toBeUndefined();
});

test('groups are in the order of /apis, preferred versions first', () => {
  expect(groups.map((group) => group.name).slice(0, 4)).toEqual(['', 'apiregistration.k8s.io', 'apps', 'events.k8s.io']);
  expect(groups.find((group) => group.name === 'autoscaling')).toMatchObject({
    versions: ['v2', 'v1'],
    preferredVersion: 'v2',
  });
});

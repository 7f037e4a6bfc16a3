// What an update keeps, counts and refuses; the texts are answers of the original apiserver.
import { expect, test } from 'vitest';
import type { JsonObject } from './json.ts';
import { applyMergePatch } from './patch/merge-patch.ts';
import type { KubeObject } from './resource.ts';
import { findResource, type ResourceInfo } from './scheme.ts';
import { isUnchanged, prepareForUpdate } from './strategy.ts';
import { fieldErrorText } from './validate/field-error.ts';
import { validateUpdate } from './validate/validate.ts';

function info(resource: string, group = ''): ResourceInfo {
  const found = findResource(group, 'v1', resource);
  if (found === undefined) throw new Error(resource);
  return found;
}

const metadata = { name: 'x', namespace: 'default', uid: 'u', resourceVersion: '1', creationTimestamp: '2026-01-01T00:00:00Z' };
const template = {
  metadata: { labels: { a: 'b' } },
  spec: {
    restartPolicy: 'Always',
    dnsPolicy: 'ClusterFirst',
    containers: [{ name: 'c', image: 'i', imagePullPolicy: 'Always', terminationMessagePolicy: 'File' }],
  },
};
const pod = { metadata: { ...metadata, generation: 1 }, spec: template.spec, status: { phase: 'Running' } };
const deployment = {
  metadata: { ...metadata, generation: 3, labels: { l: '1' } },
  spec: { replicas: 1, selector: { matchLabels: { a: 'b' } }, strategy: { type: 'Recreate' }, template },
  status: { replicas: 1 },
};
const deployments = info('deployments', 'apps');

function updated(type: ResourceInfo, old: JsonObject, patch: JsonObject, subresource = ''): KubeObject {
  const object = JSON.parse(JSON.stringify(applyMergePatch(old, JSON.stringify(patch)))) as KubeObject;
  prepareForUpdate(type, object, old as KubeObject, subresource);
  return object;
}

test.each<[string, JsonObject, string, number]>([
  ['spec', { spec: { replicas: 2 } }, '', 4],
  ['annotations of a deployment', { metadata: { annotations: { a: 'b' } } }, '', 4],
  ['labels', { metadata: { labels: { a: 'b' } } }, '', 3],
  ['status', { status: { replicas: 5 } }, 'status', 3],
  ['nothing that may change', { status: { replicas: 5 }, metadata: { generation: 9 } }, '', 3],
])('generation after a change of %s', (_what, patch, subresource, generation) => {
  expect(updated(deployments, deployment, patch, subresource).metadata?.generation).toBe(generation);
});

test('the resource keeps its status, the status keeps everything else', () => {
  expect(updated(deployments, deployment, { status: { replicas: 5 } })).toMatchObject({ status: { replicas: 1 } });
  const status = updated(
    deployments,
    deployment,
    { status: { replicas: 5 }, spec: { replicas: 9 }, metadata: { labels: null } },
    'status',
  );
  expect(status).toMatchObject({ status: { replicas: 5 }, spec: { replicas: 1 }, metadata: { labels: { l: '1' } } });
  expect(isUnchanged(updated(deployments, deployment, { status: { replicas: 5 } }), deployment)).toBe(true);
  expect(isUnchanged(status, deployment)).toBe(false);
});

const podFields =
  '`spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)';
const terminating = {
  ...pod,
  metadata: { ...pod.metadata, deletionTimestamp: '2026-01-01T00:00:00Z', finalizers: ['x.io/f'] },
};
const binding = { metadata, roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'r' } };

test.each<[ResourceInfo, JsonObject, JsonObject, string[]]>([
  [
    info('pods'),
    pod,
    { spec: { hostname: 'x' } },
    [`spec: Forbidden: pod updates may not change fields other than ${podFields}`],
  ],
  [info('pods'), pod, { spec: { activeDeadlineSeconds: 5 } }, []],
  [info('pods'), pod, { metadata: { uid: 'x' } }, ['metadata.uid: Invalid value: "x": field is immutable']],
  [
    info('pods'),
    terminating,
    { metadata: { finalizers: ['x.io/f', 'x.io/g'] } },
    [
      'metadata.finalizers: Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers []string{"x.io/g"}',
    ],
  ],
  [
    deployments,
    deployment,
    { spec: { selector: { matchLabels: { z: 'y' } }, template: { metadata: { labels: { z: 'y' } } } } },
    ['spec.selector: Invalid value: {"matchLabels":{"a":"b","z":"y"}}: field is immutable'],
  ],
  [
    info('rolebindings', 'rbac.authorization.k8s.io'),
    binding,
    { roleRef: { name: 'zz' } },
    ['roleRef: Invalid value: {"APIGroup":"rbac.authorization.k8s.io","Kind":"Role","Name":"zz"}: cannot change roleRef'],
  ],
  [info('secrets'), { metadata, type: 'Opaque' }, { type: 'x' }, ['type: Invalid value: "x": field is immutable']],
  [
    info('configmaps'),
    { metadata, immutable: true, data: { a: 'b' } },
    { data: { a: 'c' } },
    ['data: Forbidden: field is immutable when `immutable` is set'],
  ],
])('%o: %j changed by %j', (type, old, patch, texts) => {
  const object = updated(type, old, patch);
  expect(validateUpdate(type, object, old as KubeObject).map(fieldErrorText)).toEqual(texts);
});

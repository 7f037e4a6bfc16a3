import { forbidden } from '@drydock/api/forbidden.ts';
import { expect, test } from 'vitest';
import { bootstrapPolicy } from '../bootstrap/policy.ts';
import type { User } from '../request.ts';
import { type Attributes, Authorizer } from './authorizer.ts';
import { uncoveredRules } from './escalation.ts';
import { NodeAuthorizer } from './node.ts';
import { RbacAuthorizer } from './rbac.ts';

const policy = bootstrapPolicy();
const rbac = new RbacAuthorizer({
  clusterRole: (name) => policy.clusterRoles.find((role) => role.metadata?.name === name),
  role: (namespace, name) => policy.roles.find((role) => role.metadata?.namespace === namespace && role.metadata.name === name),
  clusterRoleBindings: () => policy.clusterRoleBindings,
  roleBindings: (namespace) => policy.roleBindings.filter((binding) => binding.metadata?.namespace === namespace),
});

const user = (name: string, ...groups: string[]): User => ({
  name,
  uid: '',
  groups: [...groups, 'system:authenticated'],
  extra: {},
});

function ask(who: User, text: string): Attributes {
  const [verb = '', what = '', namespace = '', name = ''] = text.split(' ');
  if (what.startsWith('/'))
    return {
      user: who,
      verb,
      group: '',
      version: '',
      resource: '',
      subresource: '',
      namespace: '',
      name: '',
      path: what,
      isResource: false,
    };
  const [resource = '', group = ''] = what.split('@');
  const [plain = '', subresource = ''] = resource.split('/');
  const ns = namespace === '-' ? '' : namespace;
  return {
    user: who,
    verb,
    group,
    version: 'v1',
    resource: plain,
    subresource,
    namespace: ns,
    name,
    path: '',
    isResource: true,
  };
}

const scheduler = user('system:kube-scheduler');
const gc = user('system:serviceaccount:kube-system:generic-garbage-collector', 'system:serviceaccounts');

test.each([
  [scheduler, 'create pods/binding default', true],
  [scheduler, 'create pods default', false],
  [scheduler, 'get leases@coordination.k8s.io kube-system kube-scheduler', true],
  [scheduler, 'get leases@coordination.k8s.io kube-system other', true],
  [scheduler, 'get configmaps kube-system extension-apiserver-authentication', true],
  [scheduler, 'get configmaps default extension-apiserver-authentication', false],
  [gc, 'delete widgets@example.com default', true],
  [user('bob'), 'get /healthz', true],
  [user('bob'), 'get /metrics', false],
  [user('bob'), 'get /apis/apps/v1', true],
  [user('bob'), 'create selfsubjectaccessreviews@authorization.k8s.io -', true],
  [user('bob'), 'list pods default', false],
])('%o %s', (who, text, allowed) => {
  expect(rbac.authorize(ask(who, text)).allowed).toBe(allowed);
});

test('forbidden requests are named in upstream words', () => {
  expect(forbidden(ask(user('bob'), 'list pods default'), '').message).toBe(
    'pods is forbidden: User "bob" cannot list resource "pods" in API group "" in the namespace "default"',
  );
  expect(forbidden(ask(user('bob'), 'get nodes/status - n1'), '').message).toBe(
    'nodes "n1" is forbidden: User "bob" cannot get resource "nodes/status" in API group "" at the cluster scope',
  );
  expect(forbidden(ask(user('bob'), 'get /metrics'), '').message).toBe('forbidden: User "bob" cannot get path "/metrics"');
});

test('masters may do everything without a rule', () => {
  expect(new Authorizer([]).authorize(ask(user('x', 'system:masters'), 'delete nodes - a')).allowed).toBe(true);
});

const kubelet = user('system:node:n1', 'system:nodes');
const node = new NodeAuthorizer(
  {
    nodeOfPod: () => undefined,
    nodeOfSlice: () => undefined,
    nodeOfAttachment: () => undefined,
    podsOnNode: (name) =>
      name === 'n1'
        ? [
            {
              metadata: { namespace: 'default' },
              spec: {
                containers: [],
                serviceAccountName: 'app',
                volumes: [
                  { name: 'v', secret: { secretName: 's' } },
                  { name: 'w', persistentVolumeClaim: { claimName: 'c' } },
                ],
              },
            },
          ]
        : [],
    volumeOfClaim: (_namespace, name) => (name === 'c' ? 'pv1' : undefined),
    secretsOfVolume: () => new Set(),
  },
  policy.clusterRoles.find((role) => role.metadata?.name === 'system:node')?.rules ?? [],
);

test.each([
  ['get secrets default s', true],
  ['get secrets default other', false],
  ['get secrets kube-system s', false],
  ['list secrets default', false],
  ['get persistentvolumes - pv1', true],
  ['create serviceaccounts/token default app', true],
  ['create serviceaccounts/token default other', false],
  ['update leases@coordination.k8s.io kube-node-lease n1', true],
  ['update leases@coordination.k8s.io kube-node-lease n2', false],
  ['list pods -', false],
  ['delete nodes - n1', false],
])('kubelet: %s', (text, allowed) => {
  expect(node.authorize(ask(kubelet, text)).allowed).toBe(allowed);
});

test('rules that the grantor does not hold are listed', () => {
  const owned = [{ apiGroups: [''], resources: ['pods'], verbs: ['get', 'list'] }];
  expect(uncoveredRules(owned, [{ apiGroups: [''], resources: ['pods'], verbs: ['get'] }])).toEqual([]);
  expect(uncoveredRules(owned, [{ apiGroups: [''], resources: ['pods', 'secrets'], verbs: ['get'] }])).toEqual([
    '{APIGroups:[""], Resources:["secrets"], Verbs:["get"]}',
  ]);
});

// Reads the notation of the policy data into RBAC objects.
import type {
  ClusterRole,
  ClusterRoleBinding,
  PolicyRule,
  RbacSubject,
  Role,
  RoleBinding,
} from '@drydock/api/generated/types.ts';
import { controllerRoleData } from './policy-controllers.ts';
import { namespaceRoleData } from './policy-namespaces.ts';
import { roleData } from './policy-roles.ts';

export interface Policy {
  readonly clusterRoles: ClusterRole[];
  readonly clusterRoleBindings: ClusterRoleBinding[];
  readonly roles: Role[];
  readonly roleBindings: RoleBinding[];
}

const rbacGroup = 'rbac.authorization.k8s.io';
const apiVersion = `${rbacGroup}/v1`;

/** The policy that every cluster starts with. */
export function bootstrapPolicy(): Policy {
  const clusterRoles = [...parseRoles(roleData), ...parseRoles(controllerRoleData)];
  const clusterRoleBindings = parseBindings(roleData);
  for (const role of clusterRoles) {
    const name = role.metadata?.name ?? '';
    if (!name.startsWith('system:controller:')) continue;
    const account = name.slice('system:controller:'.length);
    clusterRoleBindings.push(clusterRoleBinding(name, name, [subject(`s:kube-system/${account}`)]));
  }
  const roles = parseRoles(namespaceRoleData).map((role) => ({ ...role, kind: 'Role', metadata: split(role.metadata) }));
  const roleBindings = parseBindings(namespaceRoleData).map((binding) => ({
    ...binding,
    kind: 'RoleBinding',
    metadata: split(binding.metadata),
    roleRef: { apiGroup: rbacGroup, kind: 'Role', name: binding.roleRef.name.replace(/^Role\//, '') },
  }));
  return { clusterRoles, clusterRoleBindings, roles, roleBindings };
}

function parseRoles(text: string): ClusterRole[] {
  const roles: ClusterRole[] = [];
  for (const line of text.split('\n')) {
    if (line.startsWith('role ')) roles.push(parseHead(line));
    else if (line.startsWith('  ')) roles.at(-1)?.rules?.push(parseRule(line));
  }
  return roles;
}

function parseHead(line: string): ClusterRole {
  const [, name = '', ...marks] = line.split(' ');
  const pairs = (sign: string) => marks.filter((mark) => mark.startsWith(sign)).map((mark) => mark.slice(1).split('='));
  const selectors = pairs('<').map(([key = '', value = '']) => ({ matchLabels: { [key]: value } }));
  const labels = Object.fromEntries(pairs('+').map(([key = '', value = '']) => [key, value]));
  return {
    apiVersion,
    kind: 'ClusterRole',
    metadata: metadata(name, labels),
    ...(selectors.length === 0 ? {} : { aggregationRule: { clusterRoleSelectors: selectors } }),
    rules: [],
  };
}

function parseRule(line: string): PolicyRule {
  const [verbs = [], second = [], third, fourth] = line
    .trim()
    .split(' : ')
    .map((part) => part.split(' '));
  if (third === undefined) return { nonResourceURLs: second, verbs };
  const apiGroups = second.map((group) => (group === 'core' ? '' : group));
  return { apiGroups, resources: third, ...(fourth === undefined ? {} : { resourceNames: fourth }), verbs };
}

function parseBindings(text: string): ClusterRoleBinding[] {
  return text
    .split('\n')
    .filter((line) => line.startsWith('bind '))
    .map((line) => {
      const [, name = '', role = '', ...subjects] = line.split(' ');
      return clusterRoleBinding(name, role, subjects.map(subject));
    });
}

function clusterRoleBinding(name: string, role: string, subjects: RbacSubject[]): ClusterRoleBinding {
  const roleRef = { apiGroup: rbacGroup, kind: 'ClusterRole', name: role };
  const list = subjects.length === 0 ? {} : { subjects };
  return { apiVersion, kind: 'ClusterRoleBinding', metadata: metadata(name, {}), roleRef, ...list };
}

function subject(text: string): RbacSubject {
  const body = text.slice(2);
  if (text.startsWith('u:')) return { apiGroup: rbacGroup, kind: 'User', name: body };
  if (text.startsWith('g:')) return { apiGroup: rbacGroup, kind: 'Group', name: body };
  const [namespace = '', name = ''] = body.split('/');
  return { kind: 'ServiceAccount', namespace, name };
}

function metadata(name: string, labels: Record<string, string>): NonNullable<ClusterRole['metadata']> {
  return {
    name,
    labels: { 'kubernetes.io/bootstrapping': 'rbac-defaults', ...labels },
    annotations: { 'rbac.authorization.kubernetes.io/autoupdate': 'true' },
  };
}

function split(meta: ClusterRole['metadata']): NonNullable<ClusterRole['metadata']> {
  const [namespace = '', name = ''] = (meta?.name ?? '').split('/');
  return { ...meta, namespace, name };
}

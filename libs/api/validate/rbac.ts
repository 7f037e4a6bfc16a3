// Rules of roles and bindings.
import type { ClusterRole, ClusterRoleBinding, PolicyRule, RbacSubject, Role, RoleBinding } from '../generated/types.ts';
import { semanticEqual } from '../json.ts';
import { dns1123SubdomainErrors } from '../names.ts';
import { validateSelector } from './common.ts';
import { rules } from './define.ts';
import { type FieldError, invalid, notSupported, required } from './field-error.ts';

const group = 'rbac.authorization.k8s.io';

export const rbacRules = [
  rules<Role>(`${group}/Role`, { create: (role) => validateRules(role.rules ?? [], true) }),
  rules<ClusterRole>(`${group}/ClusterRole`, {
    create: (role) => [...validateRules(role.rules ?? [], false), ...validateAggregation(role)],
  }),
  rules<RoleBinding>(`${group}/RoleBinding`, {
    create: (binding) => validateBinding(binding, ['Role', 'ClusterRole'], true),
    update: (binding, old) => [...validateBinding(binding, ['Role', 'ClusterRole'], true), ...keptRole(binding, old)],
  }),
  rules<ClusterRoleBinding>(`${group}/ClusterRoleBinding`, {
    create: (binding) => validateBinding(binding, ['ClusterRole'], false),
    update: (binding, old) => [...validateBinding(binding, ['ClusterRole'], false), ...keptRole(binding, old)],
  }),
];

type Binding = RoleBinding | ClusterRoleBinding;

function validateRules(list: readonly PolicyRule[], namespaced: boolean): FieldError[] {
  return list.flatMap((rule, index) => {
    const at = `rules[${index}]`;
    const { verbs = [], apiGroups = [], resources = [], nonResourceURLs = [] } = rule;
    const errors: FieldError[] = [];
    if (verbs.length === 0) errors.push(required(`${at}.verbs`, 'verbs must contain at least one value'));
    if (nonResourceURLs.length > 0) {
      const path = `${at}.nonResourceURLs`;
      if (namespaced) errors.push(invalid(path, nonResourceURLs, 'namespaced rules cannot apply to non-resource URLs'));
      if (apiGroups.length + resources.length + (rule.resourceNames ?? []).length > 0) {
        errors.push(invalid(path, nonResourceURLs, 'rules cannot apply to both regular resources and non-resource URLs'));
      }
      return errors;
    }
    if (apiGroups.length === 0) errors.push(required(`${at}.apiGroups`, 'resource rules must supply at least one api group'));
    if (resources.length === 0) errors.push(required(`${at}.resources`, 'resource rules must supply at least one resource'));
    return errors;
  });
}

function validateAggregation({ aggregationRule }: ClusterRole): FieldError[] {
  if (aggregationRule === undefined) return [];
  const selectors = aggregationRule.clusterRoleSelectors ?? [];
  const path = 'aggregationRule.clusterRoleSelectors';
  if (selectors.length === 0)
    return [required(path, 'at least one clusterRoleSelector required if aggregationRule is non-nil')];
  return selectors.flatMap((selector, index) => validateSelector(selector, `${path}[${index}]`));
}

function validateBinding(binding: Binding, kinds: readonly string[], namespaced: boolean): FieldError[] {
  const { roleRef, subjects = [] } = binding;
  const errors: FieldError[] = [];
  if (roleRef.apiGroup !== group) errors.push(notSupported('roleRef.apiGroup', roleRef.apiGroup ?? '', [group]));
  if (!kinds.includes(roleRef.kind)) errors.push(notSupported('roleRef.kind', roleRef.kind, kinds));
  if (!roleRef.name) errors.push(required('roleRef.name'));
  return errors.concat(subjects.flatMap((subject, index) => validateSubject(subject, `subjects[${index}]`, namespaced)));
}

function validateSubject(subject: RbacSubject, path: string, namespaced: boolean): FieldError[] {
  const errors: FieldError[] = [];
  if (!subject.name) errors.push(required(`${path}.name`));
  switch (subject.kind) {
    case 'ServiceAccount':
      if (subject.name)
        for (const text of dns1123SubdomainErrors(subject.name)) errors.push(invalid(`${path}.name`, subject.name, text));
      if (subject.apiGroup) errors.push(notSupported(`${path}.apiGroup`, subject.apiGroup, ['']));
      if (!subject.namespace && !namespaced) errors.push(required(`${path}.namespace`));
      return errors;
    case 'User':
    case 'Group':
      if (subject.apiGroup !== group) errors.push(notSupported(`${path}.apiGroup`, subject.apiGroup ?? '', [group]));
      return errors;
    default:
      return [...errors, notSupported(`${path}.kind`, subject.kind, ['ServiceAccount', 'User', 'Group'])];
  }
}

function keptRole(binding: Binding, old: Binding): FieldError[] {
  if (semanticEqual(binding.roleRef, old.roleRef)) return [];
  const { apiGroup, kind, name } = binding.roleRef;
  return [invalid('roleRef', { APIGroup: apiGroup, Kind: kind, Name: name }, 'cannot change roleRef')];
}

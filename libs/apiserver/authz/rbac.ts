// Role-based access control over the cached roles and bindings (plugin/pkg/auth/authorizer/rbac).
import type {
  ClusterRole,
  ClusterRoleBinding,
  PolicyRule,
  RbacSubject,
  Role,
  RoleBinding,
} from '@drydock/api/generated/types.ts';
import type { User } from '../request.ts';
import type { Attributes, AuthorizerMode, Decision } from './authorizer.ts';

/** The RBAC objects as they are now. */
export interface RbacReader {
  clusterRole(name: string): ClusterRole | undefined;
  role(namespace: string, name: string): Role | undefined;
  clusterRoleBindings(): Iterable<ClusterRoleBinding>;
  roleBindings(namespace: string): Iterable<RoleBinding>;
}

/** A rule that a user has, and through which binding. */
export interface GrantedRule {
  readonly rule: PolicyRule;
  readonly source: string;
}

/** The RBAC mode. */
export class RbacAuthorizer implements AuthorizerMode {
  readonly #reader: RbacReader;

  constructor(reader: RbacReader) {
    this.#reader = reader;
  }

  authorize(attributes: Attributes): Decision {
    for (const { rule, source } of this.rulesFor(attributes.user, attributes.isResource ? attributes.namespace : '')) {
      if (ruleAllows(attributes, rule)) return { allowed: true, reason: `RBAC: allowed by ${source}` };
    }
    return { allowed: false, reason: '' };
  }

  /** Every rule the user has in `namespace` (cluster-wide ones included); empty for the cluster scope alone. */
  *rulesFor(user: User, namespace: string): Generator<GrantedRule> {
    for (const binding of this.#reader.clusterRoleBindings()) {
      const subject = matchingSubject(user, binding.subjects, '');
      if (subject === undefined) continue;
      const role = this.#reader.clusterRole(binding.roleRef.name);
      const source = `ClusterRoleBinding ${quote(binding.metadata?.name)} of ClusterRole ${quote(binding.roleRef.name)} to ${describe(subject)}`;
      for (const rule of role?.rules ?? []) yield { rule, source };
    }
    if (namespace === '') return;
    for (const binding of this.#reader.roleBindings(namespace)) {
      const subject = matchingSubject(user, binding.subjects, namespace);
      if (subject === undefined) continue;
      const { kind, name } = binding.roleRef;
      const role = kind === 'ClusterRole' ? this.#reader.clusterRole(name) : this.#reader.role(namespace, name);
      const source = `RoleBinding ${quote(`${binding.metadata?.name}/${namespace}`)} of ${kind} ${quote(name)} to ${describe(subject)}`;
      for (const rule of role?.rules ?? []) yield { rule, source };
    }
  }

  /** The rules of the role that a binding names; undefined where there is none. */
  rulesOf(kind: string, namespace: string, name: string): readonly PolicyRule[] | undefined {
    const role = kind === 'ClusterRole' ? this.#reader.clusterRole(name) : this.#reader.role(namespace, name);
    return role === undefined ? undefined : (role.rules ?? []);
  }
}

/** Whether one rule allows one request. */
export function ruleAllows(attributes: Attributes, rule: PolicyRule): boolean {
  if (!has(rule.verbs, attributes.verb)) return false;
  if (!attributes.isResource) return (rule.nonResourceURLs ?? []).some((pattern) => pathMatches(pattern, attributes.path));
  const { resource, subresource, name, group } = attributes;
  if (!has(rule.apiGroups ?? [], group)) return false;
  const combined = subresource === '' ? resource : `${resource}/${subresource}`;
  const resources = rule.resources ?? [];
  const resourceFits = has(resources, combined) || (subresource !== '' && resources.includes(`*/${subresource}`));
  if (!resourceFits) return false;
  const names = rule.resourceNames ?? [];
  return names.length === 0 || names.includes(name);
}

function has(values: readonly string[], value: string): boolean {
  return values.includes('*') || values.includes(value);
}

function pathMatches(pattern: string, path: string): boolean {
  if (pattern === '*' || pattern === path) return true;
  return pattern.endsWith('*') && path.startsWith(pattern.slice(0, -1));
}

function matchingSubject(user: User, subjects: readonly RbacSubject[] | undefined, namespace: string): RbacSubject | undefined {
  return subjects?.find((subject) => {
    switch (subject.kind) {
      case 'User':
        return subject.name === user.name;
      case 'Group':
        return user.groups.includes(subject.name);
      case 'ServiceAccount':
        return user.name === `system:serviceaccount:${subject.namespace || namespace}:${subject.name}`;
      default:
        return false;
    }
  });
}

function describe(subject: RbacSubject): string {
  const name = subject.kind === 'ServiceAccount' ? `${subject.name}/${subject.namespace}` : subject.name;
  return `${subject.kind} ${quote(name)}`;
}

function quote(text: string | undefined): string {
  return JSON.stringify(text ?? '');
}

// The RBAC objects out of the watch caches.
import type { ClusterRole, ClusterRoleBinding, Role, RoleBinding } from '@drydock/api/generated/types.ts';
import { clusterRoleBindings, clusterRoles, roleBindings, roles } from '@drydock/api/resource.ts';
import type { Caches } from '../registry/caches.ts';
import type { RbacReader } from './rbac.ts';

/** What RBAC decides on; its caches must have started. */
export function cachedRbac(caches: Caches): RbacReader {
  return {
    clusterRole: (name) => caches.peek<ClusterRole>(clusterRoles, '', name),
    role: (namespace, name) => caches.peek<Role>(roles, namespace, name),
    clusterRoleBindings: () => caches.list<ClusterRoleBinding>(clusterRoleBindings),
    roleBindings: (namespace) => caches.list<RoleBinding>(roleBindings, namespace),
  };
}

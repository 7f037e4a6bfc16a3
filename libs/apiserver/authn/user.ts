// The names of users and groups that the system itself gives (k8s.io/apiserver/pkg/authentication/user).
import type { User } from '../request.ts';

export const authenticatedGroup = 'system:authenticated';
export const unauthenticatedGroup = 'system:unauthenticated';
export const mastersGroup = 'system:masters';
export const nodesGroup = 'system:nodes';
export const serviceAccountPrefix = 'system:serviceaccount:';

export const anonymous: User = { name: 'system:anonymous', uid: '', groups: [unauthenticatedGroup], extra: {} };

/** The apiserver itself, for what it writes on its own behalf. */
export const loopback: User = { name: 'system:apiserver', uid: '', groups: [mastersGroup, authenticatedGroup], extra: {} };

/** The user of a service account. */
export function serviceAccountUser(namespace: string, name: string, uid: string, extra: User['extra'] = {}): User {
  return {
    name: `${serviceAccountPrefix}${namespace}:${name}`,
    uid,
    groups: ['system:serviceaccounts', `system:serviceaccounts:${namespace}`, authenticatedGroup],
    extra,
  };
}

/** The node's name where the user is a kubelet: `system:node:NAME` in system:nodes. */
export function nodeNameOf(user: User): string | undefined {
  const prefix = 'system:node:';
  if (!user.name.startsWith(prefix) || !user.groups.includes(nodesGroup)) return undefined;
  return user.name.slice(prefix.length);
}

/** Adds system:authenticated where it is missing. */
export function withAuthenticated(user: User): User {
  if (user.name === anonymous.name || user.groups.includes(authenticatedGroup)) return user;
  return { ...user, groups: [...user.groups, authenticatedGroup] };
}

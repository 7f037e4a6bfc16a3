// Acting as someone else: each part of the wanted identity needs permission for the verb `impersonate`.
import type { Attributes } from '../authz/authorizer.ts';
import type { Impersonation, User } from '../request.ts';
import { anonymous, authenticatedGroup, serviceAccountPrefix, unauthenticatedGroup } from './user.ts';

/** The user that `user` wants to be; `authorize` fails with Forbidden where that is not allowed. */
export function impersonated(user: User, wanted: Impersonation, authorize: (attributes: Attributes) => void): User {
  const ask = (group: string, resource: string, subresource: string, namespace: string, name: string) =>
    authorize({
      user,
      verb: 'impersonate',
      group,
      version: 'v1',
      resource,
      subresource,
      namespace,
      name,
      path: '',
      isResource: true,
    });
  const groups = [...wanted.groups];
  if (wanted.user.startsWith(serviceAccountPrefix)) {
    const [namespace = '', name = ''] = wanted.user.slice(serviceAccountPrefix.length).split(':');
    ask('', 'serviceaccounts', '', namespace, name);
    if (groups.length === 0) groups.push('system:serviceaccounts', `system:serviceaccounts:${namespace}`);
  } else {
    ask('', 'users', '', '', wanted.user);
  }
  if (wanted.uid !== '') ask('authentication.k8s.io', 'uids', '', '', wanted.uid);
  for (const group of wanted.groups) ask('', 'groups', '', '', group);
  for (const [key, values] of Object.entries(wanted.extra)) {
    for (const value of values) ask('authentication.k8s.io', 'userextras', key, '', value);
  }
  const marker = wanted.user === anonymous.name ? unauthenticatedGroup : authenticatedGroup;
  if (!groups.includes(marker)) groups.push(marker);
  return { name: wanted.user, uid: wanted.uid, groups, extra: wanted.extra };
}

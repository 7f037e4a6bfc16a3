// Acting as someone else (k8s.io/apiserver/pkg/endpoints/filters/impersonation). A mode that knows the kind of identity wants the
// permission for the request itself made in this mode (`impersonate-on:MODE:VERB`) and for each part of the identity
// (`impersonate:MODE`); where no such mode allows it, the older `impersonate` for each part of the identity does, for any request.
import { dns1123SubdomainErrors } from '@drydock/api/names.ts';
import { ApiError, apiError } from '@drydock/api/status.ts';
import type { Attributes } from '../authz/authorizer.ts';
import type { Impersonation, User } from '../request.ts';
import { anonymous, authenticatedGroup, mastersGroup, nodesGroup, serviceAccountPrefix, unauthenticatedGroup } from './user.ts';

/** Fails with Forbidden where the user may not. */
export type Authorize = (attributes: Attributes) => void;

type Mode = 'associated-node' | 'arbitrary-node' | 'serviceaccount' | 'user-info';

/** The user that `asked.user` wants to be for this request; fails with Forbidden where no mode allows it. */
export function impersonated(asked: Attributes, wanted: Impersonation, authorize: Authorize): User {
  if (wanted.user === '') throw apiError('BadRequest', `requested ${goText(wanted)} without impersonating a user name`);
  let first: unknown;
  for (const mode of modesOf(asked.user, wanted)) {
    try {
      return constrained(mode, asked, wanted, authorize);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      first ??= error;
    }
  }
  try {
    return legacy(asked.user, wanted, authorize);
  } catch (error) {
    // Who holds a part of the older permission is told which part is missing.
    throw first === undefined || error instanceof MissingPart ? ((error as MissingPart).cause ?? error) : first;
  }
}

class MissingPart extends Error {}

function modesOf(user: User, wanted: Impersonation): Mode[] {
  const nameOnly = wanted.uid === '' && wanted.groups.length === 0 && Object.keys(wanted.extra).length === 0;
  const node = nodeOf(wanted.user);
  if (node !== undefined) {
    const own = user.extra['authentication.kubernetes.io/node-name'] ?? [];
    const associated = accountOf(user.name) !== undefined && own.length === 1 && own[0] === node;
    return nameOnly ? [...(associated ? (['associated-node'] as const) : []), 'arbitrary-node'] : [];
  }
  if (accountOf(wanted.user) !== undefined) return nameOnly ? ['serviceaccount'] : [];
  return ['user-info'];
}

function constrained(mode: Mode, asked: Attributes, wanted: Impersonation, authorize: Authorize): User {
  const associated = mode === 'associated-node';
  const user = associated ? { ...asked.user, extra: { [associatedKeys]: Object.keys(asked.user.extra).sort() } } : asked.user;
  authorize({ ...asked, user, verb: `impersonate-on:${mode}:${asked.verb}` });
  const ask = asker(user, `impersonate:${mode}`, authorize);
  const node = nodeOf(wanted.user);
  const account = accountOf(wanted.user);
  if (node !== undefined) ask(authentication, 'nodes', associated ? '*' : node);
  else if (account !== undefined) ask(authentication, 'serviceaccounts', account.name, { namespace: account.namespace });
  else ask(authentication, 'users', wanted.user);
  if (wanted.uid !== '') ask(authentication, 'uids', wanted.uid);
  for (const group of wanted.groups) {
    if (group === '' || group === mastersGroup)
      throw apiError('Forbidden', `impersonating the ${group || 'empty string'} group is not allowed`);
    ask(authentication, 'groups', group);
  }
  for (const [key, values] of Object.entries(wanted.extra)) {
    if (key === '' || key !== key.toLowerCase())
      throw apiError('Forbidden', `impersonating an invalid key in extra is not allowed: ${JSON.stringify(key)}`);
    for (const value of values) {
      if (value === '') throw apiError('Forbidden', 'impersonating the empty string value in extra is not allowed');
      ask(authentication, 'userextras', value, { subresource: key });
    }
  }
  return identity(wanted, node === undefined ? wanted.groups : [nodesGroup]);
}

function legacy(user: User, wanted: Impersonation, authorize: Authorize): User {
  const ask = asker(user, 'impersonate', authorize);
  const account = accountOf(wanted.user);
  if (account === undefined) ask('', 'users', wanted.user);
  else ask('', 'serviceaccounts', account.name, { namespace: account.namespace });
  try {
    if (wanted.uid !== '') ask(authentication, 'uids', wanted.uid);
    for (const group of wanted.groups) ask('', 'groups', group);
    for (const [key, values] of Object.entries(wanted.extra))
      for (const value of values) ask(authentication, 'userextras', value, { subresource: key });
  } catch (error) {
    throw new MissingPart('', { cause: error });
  }
  return identity(wanted, wanted.groups);
}

const authentication = 'authentication.k8s.io';
const associatedKeys = 'authentication.kubernetes.io/associated-node-keys';

function asker(user: User, verb: string, authorize: Authorize) {
  const none = { version: 'v1', subresource: '', namespace: '', path: '', isResource: true };
  return (group: string, resource: string, name: string, more: Partial<Attributes> = {}) =>
    authorize({ ...none, user, verb, group, resource, name, ...more });
}

/** The identity with the groups that everybody of its kind is in. */
function identity(wanted: Impersonation, asked: readonly string[]): User {
  const account = accountOf(wanted.user);
  const own = account === undefined ? [] : ['system:serviceaccounts', `system:serviceaccounts:${account.namespace}`];
  const groups = asked.length === 0 ? own : [...asked];
  const stranger = wanted.user === anonymous.name || groups.includes(unauthenticatedGroup);
  const marker = stranger ? unauthenticatedGroup : authenticatedGroup;
  if (!groups.includes(marker)) groups.push(marker);
  return { name: wanted.user, uid: wanted.uid, groups, extra: wanted.extra };
}

/** `system:serviceaccount:NAMESPACE:NAME` (serviceaccount.SplitUsername). */
function accountOf(user: string): { readonly namespace: string; readonly name: string } | undefined {
  if (!user.startsWith(serviceAccountPrefix)) return undefined;
  const parts = user.slice(serviceAccountPrefix.length).split(':');
  const [namespace = '', name = ''] = parts;
  return parts.length === 2 && namespace !== '' && name !== '' ? { namespace, name } : undefined;
}

function nodeOf(user: string): string | undefined {
  const prefix = 'system:node:';
  const name = user.startsWith(prefix) ? user.slice(prefix.length) : '';
  return name !== '' && dns1123SubdomainErrors(name).length === 0 ? name : undefined;
}

/** As Go prints the identity. */
function goText({ uid, groups, extra }: Impersonation): string {
  const list = (values: readonly string[]) => `[]string{${values.map((value) => JSON.stringify(value)).join(', ')}}`;
  const keys = Object.keys(extra).sort();
  const map = keys.map((key) => `${JSON.stringify(key)}:${list(extra[key] ?? [])}`).join(', ');
  const shown = {
    Groups: groups.length === 0 ? '[]string(nil)' : list(groups),
    Extra: keys.length === 0 ? '(nil)' : `{${map}}`,
  };
  return `&user.DefaultInfo{Name:"", UID:${JSON.stringify(uid)}, Groups:${shown.Groups}, Extra:map[string][]string${shown.Extra}}`;
}

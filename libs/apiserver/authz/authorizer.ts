// May this user do this? The modes are asked in the order of --authorization-mode; the first that says yes decides.
import { type ApiError, apiError } from '@drydock/api/status.ts';
import type { User } from '../request.ts';

/** What is asked (authorizer.Attributes). For non-resource requests only `verb` and `path` count. */
export interface Attributes {
  readonly user: User;
  readonly verb: string;
  readonly group: string;
  readonly version: string;
  readonly resource: string;
  readonly subresource: string;
  readonly namespace: string;
  readonly name: string;
  readonly path: string;
  /** Of list, watch and deletecollection. */
  readonly fieldSelector?: string | undefined;
  readonly isResource: boolean;
}

export interface Decision {
  readonly allowed: boolean;
  readonly reason: string;
}

/** One authorisation mode. Synchronous: it decides on what the caches hold. */
export interface AuthorizerMode {
  authorize(attributes: Attributes): Decision;
}

export class Authorizer {
  readonly #modes: readonly AuthorizerMode[];

  constructor(modes: readonly AuthorizerMode[]) {
    this.#modes = modes;
  }

  authorize(attributes: Attributes): Decision {
    if (attributes.user.groups.includes('system:masters')) return { allowed: true, reason: '' };
    const reasons: string[] = [];
    for (const mode of this.#modes) {
      const decision = mode.authorize(attributes);
      if (decision.allowed) return decision;
      if (decision.reason !== '') reasons.push(decision.reason);
    }
    return { allowed: false, reason: reasons.join(', ') };
  }
}

/** --authorization-mode=AlwaysAllow. */
export const alwaysAllow: AuthorizerMode = { authorize: () => ({ allowed: true, reason: '' }) };

/** --authorization-mode=AlwaysDeny. */
export const alwaysDeny: AuthorizerMode = {
  authorize: () => ({ allowed: false, reason: 'Everything is forbidden.' }),
};

/** The error of a denied request, in upstream's words (responsewriters.ForbiddenMessage). */
export function forbidden(attributes: Attributes, reason: string): ApiError {
  const { user, verb, group, resource, subresource, namespace, name, path } = attributes;
  const because = reason === '' ? '' : `: ${reason}`;
  if (!attributes.isResource) {
    return apiError('Forbidden', `forbidden: User ${quote(user.name)} cannot ${verb} path ${quote(path)}${because}`, {});
  }
  const kind = group === '' ? resource : `${resource}.${group}`;
  const what = subresource === '' ? resource : `${resource}/${subresource}`;
  const where = namespace === '' ? 'at the cluster scope' : `in the namespace ${quote(namespace)}`;
  const subject = kind === '' ? '' : name === '' ? `${kind} is ` : `${kind} ${quote(name)} is `;
  const message = `${subject}forbidden: User ${quote(user.name)} cannot ${verb} resource ${quote(what)} in API group ${quote(group)} ${where}${because}`;
  return apiError('Forbidden', message, {
    ...(name === '' ? {} : { name }),
    ...(group === '' ? {} : { group }),
    kind: resource,
  });
}

function quote(text: string): string {
  return JSON.stringify(text);
}

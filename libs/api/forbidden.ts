// The error of a request that its caller may not make, in upstream's words (k8s.io/apiserver: responsewriters.ForbiddenMessage).
import { type ApiError, apiError } from './status.ts';

/** What was asked for, and by whom; empty strings where a part does not apply. */
export interface Denied {
  readonly user: { readonly name: string };
  readonly verb: string;
  readonly group: string;
  readonly resource: string;
  readonly subresource: string;
  readonly namespace: string;
  readonly name: string;
  /** Of what is no resource. */
  readonly path: string;
  readonly isResource: boolean;
}

/** @param reason of the authoriser; may be empty. */
export function forbidden(denied: Denied, reason: string): ApiError {
  const { user, verb, group, resource, subresource, namespace, name, path, isResource } = denied;
  const because = reason === '' ? '' : `: ${reason}`;
  if (!isResource) {
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

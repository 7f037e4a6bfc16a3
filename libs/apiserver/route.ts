// Which resource, in which form of path, has which verb: the same for every transport, and asked after authorisation only.
import { pathSegmentErrors } from '@drydock/api/names.ts';
import { findResource, findSubresource, type ResourceInfo, type SubresourceInfo } from '@drydock/api/scheme.ts';
import { apiError, methodNotAllowed, notServed } from '@drydock/api/status.ts';
import type { Target } from './request.ts';

export interface Route {
  readonly info: ResourceInfo;
  readonly subresource: SubresourceInfo | undefined;
}

const ofOneObject: readonly string[] = ['get', 'update', 'patch', 'delete'];
const ofACollection: readonly string[] = ['list', 'watch', 'create', 'deletecollection'];

/** The row of the table that `verb` on `target` means; NotFound for a path that does not exist, else MethodNotAllowed. */
export function routeOf(target: Target, verb: string): Route {
  const { group, version, resource, namespace, name } = target;
  const info = findResource(group, version, resource);
  if (info === undefined) throw notServed();
  const ownNamespace = group === '' && resource === 'namespaces' && namespace === name;
  if (!info.namespaced && namespace !== '' && !ownNamespace) throw notServed();
  const subresource = target.subresource === '' ? undefined : findSubresource(info, target.subresource);
  if (target.subresource !== '' && subresource === undefined) throw notServed();
  if (subresource !== undefined && name === '') throw apiError('BadRequest', 'name must be provided');
  // A list or watch of one name is a selection, of a namespace or of all.
  const reads = subresource === undefined && (verb === 'list' || verb === 'watch');
  const placed = !info.namespaced || namespace !== '';
  if (!placed && name !== '' && !reads) throw notServed();
  if (!placed && !info.verbs.includes('list')) throw notServed();
  if (subresource === undefined) checkForm(info, name !== '' && !reads, verb);
  const verbs = subresource?.verbs ?? info.verbs;
  if (!verbs.includes(verb) || (!placed && !reads)) throw methodNotAllowed();
  for (const [what, value] of [
    ['Name', name],
    ['Namespace', namespace],
  ] as const) {
    const [problem] = pathSegmentErrors(value);
    if (problem !== undefined) throw apiError('BadRequest', `${what} parameter invalid: ${JSON.stringify(value)}: ${problem}`);
  }
  return { info, subresource };
}

/** Whether the verb goes with a name, or without one. */
function checkForm(info: ResourceInfo, named: boolean, verb: string): void {
  const here = named ? ofOneObject : ofACollection;
  if (!info.verbs.some((each) => here.includes(each))) throw notServed();
  if (!here.includes(verb)) throw methodNotAllowed();
}

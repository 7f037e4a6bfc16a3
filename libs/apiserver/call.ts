// A request on its way through the pipeline, and the steps that need nothing but the request.

import { applyDefaults } from '@drydock/api/defaults.ts';
import type { DeleteOptions } from '@drydock/api/generated/types.ts';
import type { KubeObject } from '@drydock/api/resource.ts';
import { findResource, findSubresource, type ResourceInfo, type SubresourceInfo } from '@drydock/api/scheme.ts';
import type { Attributes } from './authz/authorizer.ts';
import { readDeleteOptions, readObject, validationMode } from './registry/decode.ts';
import { methodNotAllowed, notServed } from './registry/errors.ts';
import { type View, viewOf } from './registry/views.ts';
import type { ApiRequest, User } from './request.ts';

/** Who asks, for which row of the table, and what the client should be warned of. */
export interface Call {
  readonly request: ApiRequest;
  readonly user: User;
  readonly info: ResourceInfo;
  readonly subresource: SubresourceInfo | undefined;
  readonly view: View;
  readonly warnings: string[];
}

/** Finds the row of the table and checks that the verb exists there. */
export function resolve(request: ApiRequest, user: User): Call {
  const { group, version, resource, subresource, namespace, name } = request.target;
  const info = findResource(group, version, resource);
  if (info === undefined) throw notServed();
  if (!info.namespaced && namespace !== '' && resource !== 'namespaces') throw notServed();
  const sub = subresource === '' ? undefined : findSubresource(info, subresource);
  if (subresource !== '' && sub === undefined) throw notServed();
  if (info.namespaced && namespace === '' && name !== '' && request.verb !== 'watch') throw notServed();
  if (name === '' && (request.verb === 'update' || request.verb === 'patch')) throw methodNotAllowed();
  const verbs = sub === undefined ? info.verbs : sub.verbs;
  const ok =
    verbs.includes(request.verb) &&
    (!info.namespaced || namespace !== '' || request.verb === 'list' || request.verb === 'watch');
  if (!ok) throw methodNotAllowed();
  return { request, user, info, subresource: sub, view: viewOf(info, sub), warnings: deprecations(info) };
}

/** What every request to a deprecated resource is told. */
function deprecations(info: ResourceInfo): string[] {
  if (info.group !== '') return [];
  if (info.resource === 'endpoints') return ['v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice'];
  return info.resource === 'componentstatuses' ? ['v1 ComponentStatus is deprecated in v1.19+'] : [];
}

/** What authorisation is asked: a list or watch of one name counts as being about that name. */
export function attributesOf(request: ApiRequest, user: User): Attributes {
  const { target, verb, options } = request;
  const selected =
    target.name === '' ? /(?:^|,)metadata\.name==?([^,!=]+)(?:,|$)/.exec(options.fieldSelector ?? '')?.[1] : undefined;
  return { user, verb, ...target, name: selected ?? target.name, path: '', isResource: true };
}

/** The body as an object of the view's kind: decoded, its fields checked, defaulted. */
export function decode(call: Call, view: View): KubeObject {
  const { request } = call;
  const body = request.body ?? { contentType: 'application/json', bytes: Buffer.alloc(0) };
  const { object, warnings } = readObject(body, view, validationMode(request.options.fieldValidation));
  call.warnings.push(...warnings);
  if (view.info !== undefined) applyDefaults(view.info, object);
  return object;
}

/** A watch or list of one name is a selection of that name. */
export function selectByName(request: ApiRequest): ApiRequest['options'] {
  const { name } = request.target;
  if (name === '') return request.options;
  const { fieldSelector } = request.options;
  return { ...request.options, fieldSelector: `metadata.name=${name}${fieldSelector ? `,${fieldSelector}` : ''}` };
}

export function deleteOptions(request: ApiRequest): DeleteOptions {
  return readDeleteOptions(request.body) as DeleteOptions;
}

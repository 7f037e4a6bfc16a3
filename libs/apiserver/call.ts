// A request on its way through the pipeline, and the steps that need nothing but the request.

import { applyDefaults } from '@drydock/api/defaults.ts';
import type { DeleteOptions } from '@drydock/api/generated/types.ts';
import type { KubeObject } from '@drydock/api/resource.ts';
import type { ResourceInfo, SubresourceInfo } from '@drydock/api/scheme.ts';
import { escapeFieldValue, exactName } from '@drydock/api/selectors/field.ts';
import { apiError, methodNotAllowed } from '@drydock/api/status.ts';
import type { AdmissionRequest, Operation } from './admission/admission.ts';
import type { Attributes } from './authz/authorizer.ts';
import { readDeleteOptions, readObject, validationMode } from './registry/decode.ts';
import { type View, viewOf } from './registry/views.ts';
import type { ApiRequest, Target, User } from './request.ts';
import { routeOf } from './route.ts';

import { warn } from './warn.ts';

/** Who asks, for which row of the table, and what the client should be warned of. */
export interface Call {
  readonly request: ApiRequest;
  readonly user: User;
  readonly info: ResourceInfo;
  readonly subresource: SubresourceInfo | undefined;
  readonly view: View;
  readonly warnings: string[];
}

/** Finds the row of the table and checks that the verb exists there; streams and proxies are not the pipeline's. */
export function resolve(request: ApiRequest, user: User): Call {
  const { info, subresource } = routeOf(request.target, request.verb);
  if (subresource?.modelName === '') throw methodNotAllowed();
  return { request, user, info, subresource, view: viewOf(info, subresource), warnings: deprecations(info) };
}

/** What every request to a deprecated resource is told. */
function deprecations(info: ResourceInfo): string[] {
  if (info.group !== '') return [];
  if (info.resource === 'endpoints') return ['v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice'];
  return info.resource === 'componentstatuses' ? ['v1 ComponentStatus is deprecated in v1.19+'] : [];
}

/** What authorisation is asked. The front ends put the one name that a list or watch selects into the target. */
export function attributesOf(request: {
  readonly verb: string;
  readonly target: Target;
  readonly options: Pick<ApiRequest['options'], 'fieldSelector'>;
}): Omit<Attributes, 'user'> {
  const { verb, target, options } = request;
  const selects = verb === 'list' || verb === 'watch' || verb === 'deletecollection';
  return { verb, ...target, path: '', isResource: true, fieldSelector: selects ? options.fieldSelector : undefined };
}

/** What plugins are asked. */
export function admissionOf(
  call: Call,
  operation: Operation,
  object: KubeObject | undefined,
  old: KubeObject | undefined,
): AdmissionRequest {
  const { info, request, user, subresource } = call;
  const { namespace, name } = request.target;
  const dryRun = request.options.dryRun === true;
  return {
    operation,
    info,
    subresource: subresource?.name ?? '',
    namespace,
    name,
    user,
    object,
    old,
    dryRun,
    warn: (texts) => warn(call, texts),
  };
}

/** The body as an object of the view's kind: decoded, its fields checked, defaulted. */
export function decode(call: Call, view: View): KubeObject {
  const { request } = call;
  const body = request.body ?? { contentType: 'application/json', bytes: Buffer.alloc(0) };
  const { object, warnings } = readObject(body, view, validationMode(request.options.fieldValidation));
  warn(call, warnings);
  if (view.info !== undefined) applyDefaults(view.info, object);
  return object;
}

/** A watch or list of one name is a selection of that name; a selector that names another is refused. */
export function selectByName(request: ApiRequest): ApiRequest['options'] {
  const { name } = request.target;
  if (name === '') return request.options;
  const { fieldSelector = '' } = request.options;
  if (fieldSelector === '') return { ...request.options, fieldSelector: `metadata.name=${escapeFieldValue(name)}` };
  if (exactName(fieldSelector) !== name)
    throw apiError('BadRequest', "fieldSelector metadata.name doesn't match requested name");
  return request.options;
}

/** What a deletion is asked to be. A dry run may also be asked for by the request's own option. */
export function deleteOptions(request: ApiRequest): DeleteOptions {
  const given = readDeleteOptions(request.body);
  return request.options.dryRun === true ? { ...given, dryRun: ['All'] } : given;
}

/** Whether nothing is to be changed. */
export function isDry(options: DeleteOptions): boolean {
  return options.dryRun?.includes('All') === true;
}

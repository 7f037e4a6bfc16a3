// Requests of our own wire that another server answers: sent to it as the REST requests that they are.

import { methodNotAllowed, notServed } from '@drydock/api/status.ts';
import { pathInfo } from '../http/request-info.ts';
import type { ApiRequest, RequestOptions, Target, User } from '../request.ts';
import type { RawAnswer, RawParts } from './raw.ts';

const methods: Readonly<Record<string, string>> = {
  get: 'GET',
  list: 'GET',
  create: 'POST',
  update: 'PUT',
  patch: 'PATCH',
  delete: 'DELETE',
  deletecollection: 'DELETE',
};

/** Undefined where this server answers itself. Fails with the other's Status; with MethodNotAllowed for a watch. */
export async function askElsewhere(request: ApiRequest, user: User, parts: RawParts): Promise<RawAnswer | undefined> {
  const { aggregator, inFlight } = parts;
  const { verb, target, options, body, signal } = request;
  const group = `/apis/${target.group}/${target.version}/`;
  if (aggregator.find({ path: group, isResource: true, target }) === undefined) return undefined;
  const method = methods[verb];
  if (method === undefined) throw methodNotAllowed();
  const query = queryOf(options);
  const info = pathInfo(method, pathOf(verb, target), query);
  // What was authorised is what is asked for: a name with a slash would be another path.
  const isSame = (Object.keys(target) as (keyof Target)[]).every((key) => info.target[key] === target[key]);
  if (!isSame || info.verb !== verb || info.refusal !== undefined) throw notServed();
  const leave = inFlight.enterElsewhere(verb);
  return { type: 'value', value: await aggregator.read(info, query, user, signal, { method, body }).finally(leave) };
}

function pathOf(verb: string, { group, version, namespace, resource, name, subresource }: Target): string {
  const ofOne = ['get', 'update', 'patch', 'delete'].includes(verb) || (verb === 'create' && subresource !== '');
  const parts = [
    ...(namespace === '' ? [] : ['namespaces', namespace]),
    resource,
    ...(ofOne ? [name] : []),
    ...(subresource === '' ? [] : [subresource]),
  ];
  return ['', 'apis', group, version, ...parts].map(encodeURIComponent).join('/');
}

function queryOf(options: RequestOptions): URLSearchParams {
  const { labelSelector, fieldSelector, resourceVersion, resourceVersionMatch, limit, dryRun, fieldManager, force } = options;
  const given = {
    labelSelector,
    fieldSelector,
    resourceVersion,
    resourceVersionMatch,
    limit,
    continue: options.continue,
    dryRun: dryRun === true ? 'All' : undefined,
    fieldManager,
    force: force === true ? 'true' : undefined,
  };
  const entries = Object.entries(given).flatMap(([name, value]) =>
    value === undefined || value === '' ? [] : [[name, String(value)]],
  );
  return new URLSearchParams(entries);
}

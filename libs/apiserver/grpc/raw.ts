// GET of a path over our own wire: parsed, authorised and routed as a REST request is.

import { apiError, methodNotAllowed, notServed } from '@drydock/api/status.ts';
import type { Aggregator } from '../aggregated/aggregator.ts';
import type { RemoteGroup } from '../aggregated/remote-groups.ts';
import { attributesOf } from '../call.ts';
import { discover } from '../http/discovery.ts';
import { optionsOf } from '../http/options.ts';
import { pathInfo } from '../http/request-info.ts';
import type { InFlight } from '../in-flight.ts';
import type { Pipeline } from '../pipeline.ts';
import { type ApiResponse, plainForm, type Verb } from '../request.ts';
import type { Caller } from './callers.ts';

/** Longest path with its query: as much as HTTP/1 takes of a request's head. */
const urlMaxChars = 16 * 1024;

export interface RawRequest {
  /** As sent: escaped, with its query. */
  readonly url: string;
  readonly caller: Caller;
  readonly userAgent: string;
  readonly signal: AbortSignal;
}

export interface RawParts {
  readonly pipeline: Pipeline;
  readonly inFlight: InFlight;
  readonly aggregator: Aggregator;
  readonly remoteGroups: () => readonly RemoteGroup[];
}

export type RawAnswer = { readonly type: 'value'; readonly value: unknown } | Exclude<ApiResponse, { type: 'watch' }>;

/** Fails with ApiError: MethodNotAllowed for what would be a stream, NotFound for what is neither a resource nor discovery. */
export async function readRaw({ url, caller, userAgent, signal }: RawRequest, parts: RawParts): Promise<RawAnswer> {
  const { pipeline, inFlight, aggregator } = parts;
  if (url.length > urlMaxChars || !url.startsWith('/')) throw apiError('BadRequest', 'the path is not one of a URL');
  const mark = url.indexOf('?');
  const sent = mark < 0 ? url : url.slice(0, mark);
  const query = new URLSearchParams(mark < 0 ? '' : url.slice(mark + 1));
  const info = pathInfo('GET', sent, query);
  const { verb, target, path, isResource, refusal } = info;
  if (refusal?.type === 'malformed') throw apiError('BadRequest', refusal.text);
  const { user, credentials } = caller;
  const elsewhere = async (): Promise<RawAnswer> => {
    const leave = inFlight.enterElsewhere(verb);
    return { type: 'value', value: await aggregator.read(info, query, user, signal).finally(leave) };
  };
  if (!isResource) {
    pipeline.authorize({ verb, ...target, path, isResource, user });
    if (refusal === undefined && aggregator.find(info) !== undefined) return elsewhere();
    const document = refusal === undefined ? discover(path, 'application/json', '', parts.remoteGroups()) : undefined;
    if (document === undefined) throw notServed();
    return { type: 'value', value: document.value };
  }
  const options = optionsOf(query, verb);
  pipeline.authorize({ ...attributesOf({ verb, target, options }), user });
  if (refusal?.type !== 'no-page' && aggregator.find(info) !== undefined) {
    if (verb !== 'get' && verb !== 'list') throw methodNotAllowed();
    return elsewhere();
  }
  if (refusal !== undefined) throw notServed();
  if (verb !== 'get' && verb !== 'list') throw methodNotAllowed();
  const request = { verb: verb as Verb, target, credentials, options, form: plainForm, userAgent, signal };
  const response = await pipeline.serve(request, user);
  if (response.type === 'watch') throw methodNotAllowed();
  return response;
}

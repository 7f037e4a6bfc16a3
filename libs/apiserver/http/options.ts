// Query parameters into the options of a request.
import { apiError } from '@drydock/api/status.ts';
import type { RequestOptions } from '../request.ts';

/** Reads the options of every verb; fails with BadRequest for values that are none. */
export function optionsOf(query: URLSearchParams, verb: string): RequestOptions {
  const dryRun = query.getAll('dryRun');
  if (verb !== 'delete' && verb !== 'deletecollection' && dryRun.some((value) => value !== 'All')) {
    const kind = `${verb.charAt(0).toUpperCase() + verb.slice(1)}Options`;
    const message = `Unsupported value: ${JSON.stringify(dryRun)}: supported values: "All"`;
    throw apiError('Invalid', `${kind}.meta.k8s.io "" is invalid: dryRun: ${message}`, {
      group: 'meta.k8s.io',
      kind,
      causes: [{ reason: 'FieldValueNotSupported', message, field: 'dryRun' }],
    });
  }
  return {
    labelSelector: query.get('labelSelector') ?? undefined,
    fieldSelector: query.get('fieldSelector') ?? undefined,
    resourceVersion: query.get('resourceVersion') ?? undefined,
    resourceVersionMatch: query.get('resourceVersionMatch') ?? undefined,
    limit: whole(query, 'limit'),
    continue: query.get('continue') ?? undefined,
    timeoutSeconds: whole(query, 'timeoutSeconds'),
    allowWatchBookmarks: flag(query, 'allowWatchBookmarks'),
    sendInitialEvents: flag(query, 'sendInitialEvents'),
    dryRun: dryRun.length > 0,
    fieldManager: query.get('fieldManager') ?? undefined,
    fieldValidation: query.get('fieldValidation') ?? undefined,
    force: flag(query, 'force'),
  };
}

/** The DeleteOptions that query parameters make, where the request has no body. */
export function deleteOptionsOf(query: URLSearchParams): Buffer | undefined {
  const grace = whole(query, 'gracePeriodSeconds');
  const orphan = flag(query, 'orphanDependents');
  const policy = query.get('propagationPolicy');
  const dryRun = query.getAll('dryRun');
  if (grace === undefined && orphan === undefined && policy === null && dryRun.length === 0) return undefined;
  const options = {
    ...(dryRun.length === 0 ? {} : { dryRun }),
    ...(grace === undefined ? {} : { gracePeriodSeconds: grace }),
    ...(orphan === undefined ? {} : { orphanDependents: orphan }),
    ...(policy === null ? {} : { propagationPolicy: policy }),
  };
  return Buffer.from(JSON.stringify(options));
}

function whole(query: URLSearchParams, name: string): number | undefined {
  const text = query.get(name);
  if (text === null || text === '') return undefined;
  if (!/^-?\d+$/.test(text)) throw apiError('BadRequest', `strconv.ParseInt: parsing ${JSON.stringify(text)}: invalid syntax`);
  return Number(text);
}

/** A parameter without a value counts as true, as in upstream's conversion of query strings. */
export function flag(query: URLSearchParams, name: string): boolean | undefined {
  const text = query.get(name);
  if (text === null) return undefined;
  return !['false', '0', 'f', 'F', 'FALSE', 'False'].includes(text);
}

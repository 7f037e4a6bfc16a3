// The errors of the registry, in upstream's words.
import { jsonValuesMax } from '@drydock/api/json-values.ts';
import { type ApiError, apiError, ApiError as Failure } from '@drydock/api/status.ts';

interface Named {
  readonly group: string;
  readonly resource: string;
}

/** `deployments.apps`, `pods`. */
export function qualified(resource: Named): string {
  return resource.group === '' ? resource.resource : `${resource.resource}.${resource.group}`;
}

export function detailsOf(resource: Named, name: string): { name?: string; group?: string; kind: string } {
  return {
    ...(name === '' ? {} : { name }),
    ...(resource.group === '' ? {} : { group: resource.group }),
    kind: resource.resource,
  };
}

export function notFound(resource: Named, name: string): ApiError {
  return apiError('NotFound', `${qualified(resource)} ${JSON.stringify(name)} not found`, detailsOf(resource, name));
}

export function alreadyExists(resource: Named, name: string): ApiError {
  return apiError('AlreadyExists', `${qualified(resource)} ${JSON.stringify(name)} already exists`, detailsOf(resource, name));
}

export function conflict(resource: Named, name: string, why: string): ApiError {
  return apiError(
    'Conflict',
    `Operation cannot be fulfilled on ${qualified(resource)} ${JSON.stringify(name)}: ${why}`,
    detailsOf(resource, name),
  );
}

/** The conflict of a write whose resourceVersion is not the current one. */
export function modified(resource: Named, name: string): ApiError {
  return conflict(
    resource,
    name,
    'the object has been modified; please apply your changes to the latest version and try again',
  );
}

export function forbiddenObject(resource: Named, name: string, why: string): ApiError {
  const subject = name === '' ? `${qualified(resource)} is` : `${qualified(resource)} ${JSON.stringify(name)} is`;
  return apiError('Forbidden', `${subject} forbidden: ${why}`, detailsOf(resource, name));
}

/** A version that this server has not reached in time, or that nobody can know (storage.NewTooLargeResourceVersionError). */
export function tooLarge(wanted: number, current: number): ApiError {
  return apiError('Timeout', `Timeout: Too large resource version: ${wanted}, current: ${current}`, {
    causes: [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }],
    retryAfterSeconds: 1,
  });
}

/** An error of upstream's that carries a text and nothing else: 500 without a reason. */
export function serverError(message: string): ApiError {
  return new Failure({ kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message, code: 500 });
}

/** A body that is small enough in bytes, and is not in what it would cost to read, check and compare. */
export function tooManyValues(): ApiError {
  return apiError('RequestEntityTooLarge', `Request entity too large: limit is ${jsonValuesMax} values`);
}

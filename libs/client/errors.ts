// How failures of either transport become ApiError.
import type { Status } from '@drydock/api/generated/types.ts';
import { ApiError, apiError, type StatusReason, statusCodes } from '@drydock/api/status.ts';

/** The reason that an HTTP code stands for where the body is no Status (client-go's NewGenericServerResponse). */
function reasonOfCode(code: number): StatusReason {
  switch (code) {
    case 409:
      return 'Conflict';
    case 410:
      return 'Gone';
    default:
      return (Object.entries(statusCodes).find(([, value]) => value === code)?.[0] ?? 'InternalError') as StatusReason;
  }
}

/** The error of a REST answer: its Status, or a generic one where a proxy or a crashed server answered. */
export function errorOfResponse(code: number, body: string): ApiError {
  const status = parseStatus(body);
  if (status !== undefined) return new ApiError({ ...status, code: status.code ?? code });
  const text = body.trim().slice(0, 2048);
  return apiError(reasonOfCode(code), text === '' ? `the server answered ${code}` : text, undefined, code);
}

/** A Status object in JSON, or undefined where the text is something else. */
export function parseStatus(body: string): Status | undefined {
  try {
    const value: unknown = JSON.parse(body);
    if (typeof value === 'object' && value !== null && (value as Status).kind === 'Status') return value as Status;
  } catch {
    return undefined;
  }
  return undefined;
}

/** No server could be reached, or the connection broke: a write may or may not have happened. */
export function unavailable(message: string, cause?: unknown): ApiError {
  const error = apiError('ServiceUnavailable', message);
  return cause === undefined ? error : new ApiError(error.status, { cause });
}

/** No answer in time: a write may or may not have happened. */
export function timedOut(message: string): ApiError {
  return apiError('Timeout', message);
}

/** Whether a call that failed with this may have been carried out all the same; false only where a server refused it. */
export function mayHaveHappened(error: unknown): boolean {
  return !(error instanceof ApiError) || error.code >= 500 || error.code === 408;
}

/** Whether the server has not come to the version that was asked for, or knows another history of its store than we do. */
export function isTooLargeVersion(error: unknown): boolean {
  return (
    error instanceof ApiError &&
    error.reason === 'Timeout' &&
    (error.status.details?.causes?.some(({ reason }) => reason === 'ResourceVersionTooLarge') ?? false)
  );
}

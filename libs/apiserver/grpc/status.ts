// An error as gRPC's status; the Kubernetes Status goes with it in the metadata.
import { ApiError, apiError } from '@drydock/api/status.ts';
import { status as grpcStatus, Metadata } from '@grpc/grpc-js';

const codes: Readonly<Record<string, grpcStatus>> = {
  BadRequest: grpcStatus.INVALID_ARGUMENT,
  Invalid: grpcStatus.INVALID_ARGUMENT,
  Unauthorized: grpcStatus.UNAUTHENTICATED,
  Forbidden: grpcStatus.PERMISSION_DENIED,
  NotFound: grpcStatus.NOT_FOUND,
  AlreadyExists: grpcStatus.ALREADY_EXISTS,
  Conflict: grpcStatus.ABORTED,
  Expired: grpcStatus.OUT_OF_RANGE,
  Gone: grpcStatus.OUT_OF_RANGE,
  TooManyRequests: grpcStatus.RESOURCE_EXHAUSTED,
  RequestEntityTooLarge: grpcStatus.RESOURCE_EXHAUSTED,
  Timeout: grpcStatus.DEADLINE_EXCEEDED,
  ServiceUnavailable: grpcStatus.UNAVAILABLE,
};

export interface GrpcFailure {
  readonly code: grpcStatus;
  readonly details: string;
  readonly metadata: Metadata;
}

/**
 * Of what a call's end carries: HTTP/2 ends a connection, and all calls on it, for headers of more than 64 KB. The Status goes in
 * base64, and a character of the text may take nine.
 */
const statusMaxBytes = 16 * 1024;
const textMaxChars = 1024;

function cut(text: string, chars = textMaxChars): string {
  return text.length <= chars ? text : `${text.slice(0, chars).toWellFormed()}...`;
}

/** The Status, or where it is too long the beginning of its message, without causes. */
function encoded(status: ApiError['status']): Buffer {
  const whole = Buffer.from(JSON.stringify(status));
  if (whole.length <= statusMaxBytes) return whole;
  const { kind, group, name, uid, retryAfterSeconds } = status.details ?? {};
  const details = { kind, group, uid, retryAfterSeconds, ...(name === undefined ? {} : { name: cut(name, 253) }) };
  return Buffer.from(JSON.stringify({ ...status, message: cut(status.message ?? ''), details }));
}

export function statusOf(error: unknown): GrpcFailure {
  const api =
    error instanceof ApiError
      ? error
      : apiError('InternalError', `Internal error occurred: ${error instanceof Error ? error.message : String(error)}`);
  const metadata = new Metadata();
  metadata.set('status-bin', encoded(api.status));
  // grpc-js escapes the text as a URI, which halves of a character are not; a client may have sent some.
  return { code: codes[api.reason] ?? grpcStatus.INTERNAL, details: cut(api.message).toWellFormed(), metadata };
}

/** The same as grpc-js takes it from a handler. */
export function failure(error: unknown): Error & GrpcFailure {
  const status = statusOf(error);
  return Object.assign(new Error(status.details), status);
}

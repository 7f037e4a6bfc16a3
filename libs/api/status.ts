// Errors of the API, as the Status object that goes over every wire.
import type { Status, StatusCause } from './generated/types.ts';

/** The reasons of metav1.Status (k8s.io/apimachinery/pkg/apis/meta/v1, StatusReason) with their HTTP codes. */
export const statusCodes = {
  BadRequest: 400,
  Unauthorized: 401,
  Forbidden: 403,
  NotFound: 404,
  MethodNotAllowed: 405,
  NotAcceptable: 406,
  AlreadyExists: 409,
  Conflict: 409,
  Gone: 410,
  Expired: 410,
  RequestEntityTooLarge: 413,
  UnsupportedMediaType: 415,
  Invalid: 422,
  TooManyRequests: 429,
  InternalError: 500,
  ServerTimeout: 500,
  ServiceUnavailable: 503,
  Timeout: 504,
} as const;

export type StatusReason = keyof typeof statusCodes;

/** A failed request: carries the Status object whole. The same class is thrown by the server's pipeline and by clients. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly status: Status;
  /** What the client should be told beside the refusal: texts of Warning headers. */
  readonly warnings: string[] = [];

  constructor(status: Status, options?: ErrorOptions) {
    super(status.message ?? status.reason ?? 'unknown error', options);
    this.status = status;
  }

  get code(): number {
    return this.status.code ?? 500;
  }

  get reason(): string {
    return this.status.reason ?? '';
  }
}

/** Builds an ApiError; `code` defaults to the reason's. */
export function apiError(
  reason: StatusReason,
  message: string,
  details?: { name?: string; group?: string; kind?: string; causes?: StatusCause[]; retryAfterSeconds?: number; uid?: string },
  code: number = statusCodes[reason],
): ApiError {
  return new ApiError({
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message,
    reason,
    ...(details === undefined ? {} : { details }),
    code,
  });
}

/** Whether `error` is an ApiError with that reason. */
export function hasReason(error: unknown, reason: StatusReason): boolean {
  return error instanceof ApiError && error.reason === reason;
}

/** Upstream's answer to a path, group, version or resource that is not served. */
export function notServed(): ApiError {
  return apiError('NotFound', 'the server could not find the requested resource', {});
}

export function methodNotAllowed(): ApiError {
  return apiError('MethodNotAllowed', 'the server does not allow this method on the requested resource', {});
}

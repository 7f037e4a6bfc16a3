// The errors of patches, as the statuses that upstream answers.
import { type ApiError, apiError, ApiError as Failure } from '../status.ts';
import { goQuote } from '../validate/field-error.ts';

/** A JSON patch that cannot be applied to this object. */
export function patchRejected(): ApiError {
  return apiError('Invalid', 'the server rejected our request due to an error in our request', {});
}

/** The patch's own text makes no sense. */
export function patchUndecodable(problem: string): ApiError {
  return apiError('BadRequest', problem);
}

/** The patched object does not decode: `shown` is what upstream prints of it. */
export function patchedObjectInvalid(shown: string, problem: string): ApiError {
  const message = `Invalid value: ${goQuote(shown)}: ${problem}`;
  return apiError('Invalid', ` "" is invalid: patch: ${message}`, {
    causes: [{ reason: 'FieldValueInvalid', message, field: 'patch' }],
  });
}

/** Directives that upstream does not know make it answer 500 without a reason. */
export function patchFailed(problem: string): ApiError {
  return new Failure({ kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message: problem, code: 500 });
}

// The 422 Status for a list of field errors.
import type { ResourceInfo } from '../scheme.ts';
import { type ApiError, apiError } from '../status.ts';
import { type FieldError, fieldErrorText } from './field-error.ts';

/** Upstream's Invalid status: message, details with one cause per error. Errors that read the same appear once. */
export function invalidError(
  info: Pick<ResourceInfo, 'group' | 'kind'>,
  name: string,
  errors: readonly FieldError[],
): ApiError {
  const qualifiedKind = info.group === '' ? info.kind : `${info.kind}.${info.group}`;
  const texts = [...new Set(errors.map(fieldErrorText))];
  const list = texts.length === 1 ? texts[0] : `[${texts.join(', ')}]`;
  const suffix = texts.length === 0 ? '' : `: ${list}`;
  return apiError('Invalid', `${qualifiedKind} "${name}" is invalid${suffix}`, {
    ...(name === '' ? {} : { name }),
    ...(info.group === '' ? {} : { group: info.group }),
    kind: info.kind,
    causes: errors.map((error) => ({ reason: error.type, message: error.body, field: error.field })),
  });
}

export type { ApiError };

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
  const suffix = errors.length === 0 ? '' : `: ${aggregateText(errors)}`;
  return apiError('Invalid', `${qualifiedKind} "${name}" is invalid${suffix}`, {
    ...(name === '' ? {} : { name }),
    ...(info.group === '' ? {} : { group: info.group }),
    kind: info.kind,
    causes: errors.map((error) => ({ reason: error.type, message: error.body, field: error.field })),
  });
}

/** Several errors as one text. */
export function aggregateText(errors: readonly FieldError[]): string {
  const texts = [...new Set(errors.map(fieldErrorText))];
  return texts.length === 1 ? (texts[0] ?? '') : `[${texts.join(', ')}]`;
}

export type { ApiError };

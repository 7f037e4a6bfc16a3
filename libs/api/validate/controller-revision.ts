// Rules of ControllerRevisions (pkg/apis/apps/validation.ValidateControllerRevision): what they keep is one JSON object, for good.
import type { ControllerRevision } from '../generated/types.ts';
import { isObject, semanticEqual } from '../json.ts';
import { nonNegative } from './common.ts';
import { rules } from './define.ts';
import { type FieldError, invalid, required } from './field-error.ts';

export const controllerRevisionRules = [
  rules<ControllerRevision>('apps/ControllerRevision', { create: validateRevision, update: validateRevisionUpdate }),
];

function validateRevision({ data, revision }: ControllerRevision): FieldError[] {
  return [...nonNegative(revision, 'revision'), ...validateData(data)];
}

function validateData(data: unknown): FieldError[] {
  if (data === undefined) return [required('data', 'data is mandatory')];
  return isObject(data) ? [] : [required('data', 'data must be a valid JSON object')];
}

function validateRevisionUpdate(object: ControllerRevision, old: ControllerRevision): FieldError[] {
  const changed = semanticEqual(object.data, old.data) ? [] : [invalid('data', object.data, 'field is immutable')];
  return [...nonNegative(object.revision, 'revision'), ...changed];
}

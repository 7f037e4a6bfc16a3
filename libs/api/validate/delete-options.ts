// Rules of the options of a deletion (apimachinery, pkg/apis/meta/v1/validation).
import type { DeleteOptions } from '../generated/types.ts';
import { type FieldError, invalid, notSupported } from './field-error.ts';

const policies = ['Foreground', 'Background', 'Orphan', 'nil'];

export function validateDeleteOptions(options: DeleteOptions): FieldError[] {
  const errors: FieldError[] = [];
  const { orphanDependents, propagationPolicy: policy, dryRun = [] } = options;
  if (orphanDependents !== undefined && policy !== undefined) {
    const text = 'orphanDependents and deletionPropagation cannot be both set';
    errors.push(invalid('propagationPolicy', policy, text));
  }
  if (policy !== undefined && (policy === 'nil' || !policies.includes(policy)))
    errors.push(notSupported('propagationPolicy', policy, policies));
  if (dryRun.some((each) => each !== 'All')) errors.push(notSupported('dryRun', dryRun, ['All']));
  return errors;
}

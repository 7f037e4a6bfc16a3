// Rules of a Scale, as which workloads show how many pods they want (pkg/apis/autoscaling/validation).
import type { Scale } from '../generated/types.ts';
import { dns1123SubdomainErrors } from '../names.ts';
import { nonNegative } from './common.ts';
import { boundedErrors, type FieldError } from './field-error.ts';
import { validateMeta } from './meta.ts';

/** What is wrong with a Scale that is written to a workload; its metadata is the request's and is not kept. */
export function validateScale({ metadata = {}, spec }: Scale): FieldError[] {
  return boundedErrors(() => [
    ...validateMeta(metadata, true, dns1123SubdomainErrors, 'metadata'),
    ...nonNegative(spec?.replicas, 'spec.replicas'),
  ]);
}

// Bodies and content types that both transports share.
import type { DeleteOptions, Patch } from './api-client.ts';

export const patchContentTypes: Readonly<Record<Patch['type'], string>> = {
  json: 'application/json-patch+json',
  merge: 'application/merge-patch+json',
  strategic: 'application/strategic-merge-patch+json',
  apply: 'application/apply-patch+yaml',
};

/** metav1.DeleteOptions as JSON. */
export function deleteOptionsBody(options: DeleteOptions): string {
  const { gracePeriodSeconds, propagationPolicy, preconditions, dryRun } = options;
  return JSON.stringify({
    kind: 'DeleteOptions',
    apiVersion: 'v1',
    gracePeriodSeconds,
    propagationPolicy,
    preconditions,
    dryRun: dryRun ? ['All'] : undefined,
  });
}

// The one refusal that is no failure: its namespace is being emptied, and what was to be made would go at once.
import { ApiError } from '@drydock/api/status.ts';

/** Whether the apiserver refused a creation because the namespace is ending (admission plugin NamespaceLifecycle). */
export function isNamespaceEnding(error: unknown): boolean {
  if (!(error instanceof ApiError)) return false;
  return (error.status.details?.causes ?? []).some((cause) => cause.reason === 'NamespaceTerminating');
}

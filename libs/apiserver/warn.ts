// What the client of a request is told beside its answer.
import { ApiError } from '@drydock/api/status.ts';

interface Warned {
  readonly warnings: string[];
}

/** Tells the client, once however often the write is tried. */
export function warn(call: Warned, texts: readonly string[]): void {
  const known = new Set(call.warnings);
  for (const text of texts) {
    if (known.has(text)) continue;
    known.add(text);
    call.warnings.push(text);
  }
}

/** Whoever is refused is warned all the same. */
export function withWarnings(call: Warned, error: unknown): unknown {
  if (error instanceof ApiError) warn(error, call.warnings);
  return error;
}

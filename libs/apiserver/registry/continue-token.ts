// The token that resumes a list in pages: where the next page starts, and at which revision the list is read.
import { apiError } from '@drydock/api/status.ts';

export interface Continuation {
  /** -1: the token no longer fixes a revision; the rest is read as it is now. */
  readonly revision: number;
  /** The first key not yet delivered, relative to the list's prefix. */
  readonly start: string;
}

export function encodeContinue(continuation: Continuation): string {
  const text = JSON.stringify({ v: 'meta.k8s.io/v1', rv: continuation.revision, start: continuation.start });
  return Buffer.from(text).toString('base64url');
}

/** Fails with BadRequest for text that is no token of ours. */
export function decodeContinue(token: string): Continuation {
  const bad = (why: string) => apiError('BadRequest', `invalid continue token: continue key is not valid: ${why}`);
  let parsed: { v?: string; rv?: number; start?: string };
  try {
    parsed = JSON.parse(Buffer.from(token, 'base64url').toString());
  } catch {
    throw bad('encoding is not valid');
  }
  if (parsed.v !== 'meta.k8s.io/v1')
    throw bad(`server does not recognize this encoded version ${JSON.stringify(parsed.v ?? '')}`);
  if (typeof parsed.rv !== 'number' || parsed.rv === 0)
    throw bad('incorrect encoded start resourceVersion (version meta.k8s.io/v1)');
  if (typeof parsed.start !== 'string' || parsed.start === '') throw bad('encoded start key empty (version meta.k8s.io/v1)');
  if (parsed.start.split('/').includes('..')) throw bad(`incorrect encoded start key: ${parsed.start}`);
  return { revision: parsed.rv, start: parsed.start };
}

// What can go wrong with the log, as data.
import { damageAdvice } from '../damage-advice.ts';

/**
 * `damaged`: bytes that were durable are not what was written; the member cannot be trusted to remember its promises.
 * `noSpace`: the disk is full; nothing that was acknowledged is lost, the process must stop and may start again with space.
 * `failed`: a write or sync failed; what is on the disk is unknown until the log is opened again.
 * `missing`, `exists`: there is no log where one was expected, or the other way round.
 */
export type WalErrorCode = 'damaged' | 'noSpace' | 'failed' | 'missing' | 'exists';

export class WalError extends Error {
  override readonly name = 'WalError';
  readonly code: WalErrorCode;

  constructor(code: WalErrorCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? {} : { cause });
    this.code = code;
  }
}

/** `what` happened at `place`; ends with what the operator can do. */
export function damaged(place: string, what: string): WalError {
  return new WalError('damaged', `write-ahead log is damaged: ${place}: ${what}. ${damageAdvice}`);
}

/** Wraps an error of the disk. */
export function diskFailure(doing: string, cause: unknown): WalError {
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
  const text = cause instanceof Error ? cause.message : String(cause);
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    return new WalError(
      'noSpace',
      `${doing}: no space left on the disk of the data directory (${text}): free some and start again`,
      cause,
    );
  }
  return new WalError('failed', `${doing}: ${text}`, cause);
}

// What a driver answers instead of what was asked: a code that those who call act on, and a text for people.

/** Codes of gRPC as the CSI specification uses them. */
export type CsiCode =
  | 'InvalidArgument'
  | 'NotFound'
  | 'AlreadyExists'
  | 'ResourceExhausted'
  | 'FailedPrecondition'
  | 'Aborted'
  | 'OutOfRange'
  | 'Internal';

export class CsiError extends Error {
  override readonly name = 'CsiError';
  readonly code: CsiCode;

  constructor(code: CsiCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

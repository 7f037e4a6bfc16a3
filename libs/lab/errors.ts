// Failures of the lab that are the user's to see: a message that says what is wrong and what to do, never a stack.

export type LabErrorCode =
  | 'config'
  | 'not-running'
  | 'busy'
  | 'conflict'
  | 'missing-packages'
  | 'unsupported'
  | 'start-failed'
  | 'unknown-name'
  | 'interrupted'
  | 'left-behind';

export class LabError extends Error {
  override readonly name = 'LabError';
  readonly code: LabErrorCode;

  constructor(code: LabErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}

/** The message of whatever was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

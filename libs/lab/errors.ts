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

/** One line for what is the user's to see: a refusal of ours, or of the system (a full disk, a folder without rights); undefined for a defect. */
export function explain(error: unknown): string | undefined {
  if (error instanceof LabError || (error instanceof Error && error.name === 'PartitionError')) return error.message;
  const { code, path, syscall } = error as NodeJS.ErrnoException;
  if (!(error instanceof Error) || code === undefined || syscall === undefined) return undefined;
  const reason = reasons[code] ?? code;
  return path === undefined ? `${syscall}: ${reason}` : `${path}: ${reason}`;
}

const reasons: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EPERM: 'not permitted',
  ENOSPC: 'no space left on the disk',
  EDQUOT: 'the disk quota is used up',
  EROFS: 'the file system is read-only',
  ENOENT: 'no such file or folder',
  ENOTDIR: 'not a folder',
  EISDIR: 'is a folder',
  EEXIST: 'exists already',
  EMFILE: 'too many open files',
};

// Why a file is not a usable bbolt database. The first three texts are bbolt's own.

const texts = {
  invalid: 'invalid database',
  version: 'version mismatch',
  checksum: 'checksum error',
  /** Pages that contradict each other or lie outside the file. */
  damaged: 'damaged database',
} as const;

export type BoltErrorCode = keyof typeof texts;

export class BoltError extends Error {
  override readonly name = 'BoltError';
  readonly code: BoltErrorCode;

  constructor(code: BoltErrorCode, detail?: string) {
    super(detail === undefined ? texts[code] : `${texts[code]}: ${detail}`);
    this.code = code;
  }
}

/** Why something beneath a directory was left alone. `name`: not one plain name; `kind`: not what was asked for. */
export type BeneathCode = 'link' | 'mount' | 'name' | 'kind' | 'busy';

/** A refusal: nothing was followed and nothing was crossed. */
export class BeneathError extends Error {
  override readonly name = 'BeneathError';
  readonly code: BeneathCode;

  constructor(code: BeneathCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** The system's code of a failed call, such as `ENOENT`; empty for other errors. */
export function systemCode(error: unknown): string {
  const code = (error as { code?: unknown } | null)?.code;
  return error instanceof BeneathError || typeof code !== 'string' ? '' : code;
}

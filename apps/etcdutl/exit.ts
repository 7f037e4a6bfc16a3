// Exit codes of etcd's tools (pkg/cobrautl), and errors that carry one.

export const exitCode = { success: 0, error: 1, badFeature: 4, badArgs: 128 } as const;

/** Shown as `Error: MESSAGE`. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
  readonly exitCode: number;

  constructor(message: string, code: number = exitCode.error) {
    super(message);
    this.exitCode = code;
  }
}

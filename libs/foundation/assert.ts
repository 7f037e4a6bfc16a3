// Assertions that stay on in production: a broken invariant stops the process before it can do harm.

/** An invariant does not hold: a bug of ours, never a user's mistake. */
export class AssertionError extends Error {
  override readonly name = 'AssertionError';
}

/** Throws AssertionError with `message` unless `condition` holds. */
export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new AssertionError(message);
}

/** For the arm of a switch that cannot be reached; the compiler checks that it cannot. */
export function unreachable(value: never): never {
  throw new AssertionError(`unreachable: ${JSON.stringify(value)}`);
}

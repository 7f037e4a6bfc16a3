// Doing many similar things carefully: one, then two, then four, so that a sure failure is met once and not five hundred times.

/**
 * Calls `step` `count` times in batches of doubling size, each batch concurrently; stops after the batch in which one failed.
 * Returns how many succeeded and the first error (upstream's slowStartBatch).
 */
export async function slowStart(
  count: number,
  step: (index: number) => Promise<void>,
): Promise<{ succeeded: number; error: unknown | undefined }> {
  let succeeded = 0;
  let error: unknown;
  for (let size = 1; succeeded < count && error === undefined; size *= 2) {
    const batch = Math.min(size, count - succeeded);
    const results = await Promise.allSettled(Array.from({ length: batch }, (_, index) => step(succeeded + index)));
    for (const result of results) {
      if (result.status === 'fulfilled') succeeded++;
      else error ??= result.reason;
    }
  }
  return { succeeded, error };
}

/** What `work` gives; rejects as soon as the signal aborts, and whatever becomes of `work` then is nobody's business. */
export async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal, why: string): Promise<T> {
  let end = (): void => {};
  const aborted = new Promise<never>((_, reject) => {
    end = () => reject(new Error(why));
  });
  // Nobody may be listening any more.
  aborted.catch(() => {});
  work.catch(() => {});
  if (signal.aborted) end();
  signal.addEventListener('abort', end, { once: true });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener('abort', end);
  }
}

// Folders of the kubelet's own making, one below the other.
import type { Directory } from '@drydock/foundation/beneath/directory.ts';
import { BeneathError, systemCode } from '@drydock/foundation/beneath/errors.ts';

/** Makes what is missing of `parts` below `at` and works in the last one. */
export async function descend<T>(at: Directory, parts: readonly string[], work: (at: Directory) => Promise<T>): Promise<T> {
  const [first, ...rest] = parts;
  if (first === undefined) return work(at);
  await using next = await at.make(first);
  return await descend(next, rest, work);
}

/** Works in what is there already; undefined where it is not, or is no folder. Throws BeneathError where something is mounted there. */
export async function descendIfThere<T>(
  at: Directory,
  parts: readonly string[],
  work: (at: Directory) => Promise<T>,
): Promise<T | undefined> {
  const [first, ...rest] = parts;
  if (first === undefined) return work(at);
  const next = await at.enter(first).catch((error: unknown) => {
    if (systemCode(error) === 'ENOENT' || (error instanceof BeneathError && error.code !== 'mount')) return undefined;
    throw error;
  });
  if (next === undefined) return undefined;
  await using _ = next;
  return await descendIfThere(next, rest, work);
}

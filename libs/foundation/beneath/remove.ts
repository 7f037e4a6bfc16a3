// Removes a tree and nothing else: no link is followed, no mount crossed, whatever is exchanged meanwhile.
import { type FileCalls, nodeCalls } from './calls.ts';
import { Directory, type Name } from './directory.ts';
import { BeneathError, systemCode } from './errors.ts';

/** Directories that are open at once. What lies deeper is moved up first, so that no depth uses up the descriptors. */
const depthMax = 32;
/** Looks at one directory. Each pass empties what it saw or moves it up; someone who fills it faster is given up on. */
const passesMax = 10_000;

/**
 * Removes the entry `name` of `parent`, with all beneath it; what is not there is removed already. Goes on past what it
 * cannot remove, then throws the first of those errors: BeneathError `mount` where something is mounted, `busy` where
 * someone goes on changing it, or the system's.
 */
export async function removeTree(parent: Directory, name: Name): Promise<void> {
  const removal = new Removal();
  let outcome: Outcome = 'again';
  for (let pass = 0; pass < passesMax && outcome === 'again'; pass++) outcome = await removal.entry(parent, name, 0);
  if (outcome === 'again') throw new BeneathError('busy', `${parent.path}/${name} goes on changing`);
  if (outcome === 'kept') throw removal.failure;
}

/** As `removeTree`, below a folder whose path the caller vouches for. That it is not there is no error. */
export async function removeTreeIn(folder: string, name: Name, calls: FileCalls = nodeCalls): Promise<void> {
  const parent = await Directory.open(folder, calls).catch((error: unknown) => {
    if (systemCode(error) === 'ENOENT') return undefined;
    throw error;
  });
  if (parent === undefined) return;
  await using _ = parent;
  await removeTree(parent, name);
}

/** `again`: it has changed between two calls, or lies elsewhere in the tree now; `kept`: a failure has been noted. */
type Outcome = 'gone' | 'again' | 'kept';

class Removal {
  failure: unknown;
  /** The directory at the root of the tree, to which what lies too deep is moved. */
  #top: Directory | undefined;
  #moved = 0;

  async entry(parent: Directory, name: Name, depth: number): Promise<Outcome> {
    let refusal: unknown;
    try {
      await parent.unlink(name);
      return 'gone';
    } catch (error) {
      // unlink(2) of a directory: EISDIR on Linux, EPERM by POSIX; EPERM also of a file that may not be changed.
      if (!['EISDIR', 'EPERM'].includes(systemCode(error))) return this.#outcome(parent, name, error);
      refusal = error;
    }
    try {
      if (depth > depthMax && this.#top !== undefined) return await this.#moveUp(parent, name, this.#top);
      await using child = await parent.enter(name);
      if (depth === 0) this.#top = child;
      const outcome = await this.#empty(child, depth);
      if (outcome !== 'gone') return outcome;
      await parent.rmdir(name);
      return 'gone';
    } catch (error) {
      const isFile = error instanceof BeneathError && error.code === 'kind' && systemCode(refusal) === 'EPERM';
      return this.#outcome(parent, name, isFile ? refusal : error);
    }
  }

  async #empty(directory: Directory, depth: number): Promise<Outcome> {
    for (let pass = 0; pass < passesMax; pass++) {
      const seen: Record<Outcome, number> = { gone: 0, again: 0, kept: 0 };
      for await (const { name } of directory.entries()) seen[await this.entry(directory, name, depth + 1)]++;
      if (seen.gone === 0 && seen.again === 0) return seen.kept === 0 ? 'gone' : 'kept';
    }
    return this.#keep(new BeneathError('busy', `${directory.path} is filled faster than it can be emptied`));
  }

  async #moveUp(parent: Directory, name: Name, top: Directory): Promise<Outcome> {
    for (let tries = 0; tries < passesMax; tries++) {
      try {
        await parent.rename(name, `..removing-${this.#moved++}`, top);
        return 'again';
      } catch (error) {
        // Something at the top has that name already.
        if (!['ENOTEMPTY', 'EEXIST', 'ENOTDIR', 'EISDIR'].includes(systemCode(error))) throw error;
      }
    }
    return 'again';
  }

  #outcome(parent: Directory, name: Name, error: unknown): Outcome {
    const code = systemCode(error);
    if (code === 'ENOENT') return 'gone';
    if (code === 'ENOTEMPTY' || code === 'EEXIST' || code === 'ENOTDIR') return 'again';
    if (error instanceof BeneathError && error.code === 'kind') return 'again';
    if (code === 'EBUSY')
      return this.#keep(new BeneathError('mount', `${parent.path}/${name} is a mount point`, { cause: error }));
    return this.#keep(error);
  }

  #keep(error: unknown): Outcome {
    this.failure ??= error;
    return 'kept';
  }
}

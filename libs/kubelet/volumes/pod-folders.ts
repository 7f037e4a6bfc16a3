// The folders of pods on this host, opened from the kubelet's root: `pods/UID/...`, all of the kubelet's own making.
import { type FileCalls, nodeCalls } from '@drydock/foundation/beneath/calls.ts';
import { Directory } from '@drydock/foundation/beneath/directory.ts';
import { systemCode } from '@drydock/foundation/beneath/errors.ts';
import { removeTree } from '@drydock/foundation/beneath/remove.ts';
import { descend, descendIfThere } from './descend.ts';

export class PodFolders {
  readonly #pods: string;
  /** What stands between this and the file system. */
  readonly calls: FileCalls;

  constructor(rootDir: string, calls: FileCalls = nodeCalls) {
    this.#pods = `${rootDir}/pods`;
    this.calls = calls;
  }

  path(uid: string): string {
    return `${this.#pods}/${uid}`;
  }

  /** Makes `pods/UID/PARTS` where it is missing and works in it. */
  async within<T>(uid: string, parts: readonly string[], work: (at: Directory) => Promise<T>): Promise<T> {
    await this.calls.mkdir(this.#pods, { recursive: true, mode: 0o750 });
    await using pods = await Directory.open(this.#pods, this.calls);
    return await descend(pods, [uid, ...parts], work);
  }

  /** Names of pods of which something is there. */
  async list(): Promise<string[]> {
    const names: string[] = [];
    await this.#ifThere(async (pods) => {
      for await (const { name } of pods.entries()) names.push(name.toString());
    });
    return names;
  }

  /** Whether `pods/UID/PARTS` is there; nothing is made. */
  async has(uid: string, parts: readonly string[]): Promise<boolean> {
    const [last = '', ...above] = [uid, ...parts].reverse();
    const found = await this.#ifThere((pods) => descendIfThere(pods, above.reverse(), (at) => at.has(last)));
    return found === true;
  }

  /** Works in `pods/UID/PARTS`; undefined where that is not there. */
  async ifThere<T>(uid: string, parts: readonly string[], work: (at: Directory) => Promise<T>): Promise<T | undefined> {
    return this.#ifThere((pods) => descendIfThere(pods, [uid, ...parts], work));
  }

  /** Removes `pods/UID`; nothing may be mounted there any more. Throws BeneathError, and what the system says. */
  async remove(uid: string): Promise<void> {
    await this.#ifThere((pods) => removeTree(pods, uid));
  }

  async #ifThere<T>(work: (pods: Directory) => Promise<T>): Promise<T | undefined> {
    const pods = await Directory.open(this.#pods, this.calls).catch((error: unknown) => {
      if (systemCode(error) === 'ENOENT') return undefined;
      throw error;
    });
    if (pods === undefined) return undefined;
    await using _ = pods;
    return await work(pods);
  }
}

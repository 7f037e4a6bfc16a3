// Local volumes of claims, which several pods may have at once: who is the first of them on this node gives it to its group, nobody
// does it again under those who run (pkg/volume/local, SetUpAt). Noted in the pods' folders, as other kubelets see it by mounts.
import type { Pod } from '@drydock/api/generated/types.ts';
import { systemCode } from '@drydock/foundation/beneath/errors.ts';
import type { HostPlace } from './claims.ts';
import { giveToGroup } from './give-to-group.ts';
import { fsGroupOf } from './ownership.ts';
import type { PodFolders } from './pod-folders.ts';

const place = ['plugins', 'kubernetes.io~local-volume'];

export class LocalVolumes {
  readonly #folders: PodFolders;
  /** `uid/volume` of what this kubelet need not look for on the disk again. */
  readonly #taken = new Set<string>();

  constructor(folders: PodFolders) {
    this.#folders = folders;
  }

  /** For every refresh of the pod; does something once. Throws VolumeError, and what the system says. */
  async take(pod: Pod, { name, path }: Pick<HostPlace, 'name' | 'path'>, readOnly: boolean): Promise<void> {
    const uid = pod.metadata?.uid ?? '';
    const key = `${uid}/${name}`;
    if (this.#taken.has(key)) return;
    const group = fsGroupOf(pod);
    const isGiven = readOnly || group === undefined || (await this.#isTaken(name));
    if (!isGiven) {
      const onRootMismatch = pod.spec?.securityContext?.fsGroupChangePolicy === 'OnRootMismatch';
      await giveToGroup(path, { group, onRootMismatch });
    }
    // Afterwards: killed before that, it is given again.
    await this.#folders.within(uid, place, (at) =>
      at.createFile(name, Buffer.alloc(0), { mode: 0o640 }).catch((error: unknown) => {
        if (systemCode(error) !== 'EEXIST') throw error;
      }),
    );
    this.#taken.add(key);
  }

  forget(uid: string): void {
    for (const key of [...this.#taken]) if (key.startsWith(`${uid}/`)) this.#taken.delete(key);
  }

  /** By this pod, under an earlier kubelet, or by another one. */
  async #isTaken(name: string): Promise<boolean> {
    for (const uid of await this.#folders.list()) if (await this.#folders.has(uid, [...place, name])) return true;
    return false;
  }
}

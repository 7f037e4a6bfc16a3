// What a node's status says of the volumes in use here: those are not detached under their pods. A volume is said to be in use before
// anything of it is mounted, until nothing is (pkg/kubelet/volumemanager, GetVolumesInUse).
import { attachedName } from '@drydock/api/storage/attachments.ts';
import type { CsiPlaces } from './places.ts';

export class VolumesInUse {
  readonly #places: Pick<CsiPlaces, 'all'>;
  /** `uid/volume` to the volume's name in the status. */
  readonly #used = new Map<string, string>();
  #reported: ReadonlySet<string> = new Set();
  /** What an earlier kubelet has left is known. */
  #isComplete = false;

  constructor(places: Pick<CsiPlaces, 'all'>) {
    this.#places = places;
  }

  /** Sorted. Throws while it is not known what an earlier kubelet has left. */
  async names(): Promise<string[]> {
    if (!this.#isComplete) {
      for (const volume of await this.#places.all())
        if (volume.isPersistent) this.#used.set(`${volume.uid}/${volume.name}`, attachedName(volume));
      this.#isComplete = true;
    }
    return [...new Set(this.#used.values())].sort();
  }

  /** The apiserver has taken a status with these names. */
  reported(names: readonly string[]): void {
    this.#reported = new Set(names);
  }

  isReported(name: string): boolean {
    return this.#reported.has(name);
  }

  add(uid: string, volume: string, name: string): void {
    this.#used.set(`${uid}/${volume}`, name);
  }

  /** `volume` undefined: all of the pod. */
  drop(uid: string, volume?: string): void {
    if (volume !== undefined) this.#used.delete(`${uid}/${volume}`);
    else for (const key of [...this.#used.keys()]) if (key.startsWith(`${uid}/`)) this.#used.delete(key);
  }
}

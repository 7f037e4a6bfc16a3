// The volumes of pods that drivers mount: set up, made larger, and known to who asks what there is.
import type { Pod } from '@drydock/api/generated/types.ts';
import { podKey, uidOf } from '../../pod/observation.ts';
import type { Claims } from '../claims.ts';
import type { Csi } from './csi.ts';
import { MountFailure } from './mount-failure.ts';
import type { CsiVolume } from './volume.ts';
import type { MountedVolume } from './volume-stats.ts';

export interface DriverVolume {
  readonly pod: Pod;
  /** As the pod calls it. */
  readonly name: string;
  readonly volume: CsiVolume;
  /** Undefined: it is inline. */
  readonly claim: string | undefined;
}

export class DriverVolumes {
  readonly #csi: Pick<Csi, 'volumes' | 'expansion'>;
  readonly #claims: Claims;
  /** By pod, and its name of the volume. */
  readonly #mounted = new Map<string, Map<string, MountedVolume>>();

  constructor(csi: Pick<Csi, 'volumes' | 'expansion'>, claims: Claims) {
    this.#csi = csi;
    this.#claims = claims;
  }

  /** Gives the path. Throws as CsiVolumes and Expansion. */
  async make(made: DriverVolume, ending: AbortSignal): Promise<string> {
    const { pod, name, volume, claim } = made;
    const path = await this.#csi.volumes.setUp(pod, volume, ending);
    const uid = uidOf(pod);
    const own = this.#mounted.get(uid) ?? new Map<string, MountedVolume>();
    const named = claim === undefined ? undefined : { namespace: podKey(pod).namespace, name: claim };
    this.#mounted.set(uid, own.set(name, { uid, name, claim: named, volume }));
    if (claim !== undefined) await this.#enlarge(made, claim, ending);
    return path;
  }

  /** What is there for all pods. */
  mounted(): MountedVolume[] {
    return [...this.#mounted.values()].flatMap((volumes) => [...volumes.values()]);
  }

  /** Throws as CsiVolumes. */
  async remove(uid: string): Promise<void> {
    await this.#csi.volumes.tearDown(uid);
    this.#csi.expansion.forget(uid);
    this.#mounted.delete(uid);
  }

  /** Where the claim has got a larger volume. */
  async #enlarge({ pod, volume }: DriverVolume, claim: string, ending: AbortSignal): Promise<void> {
    const { expansion } = this.#csi;
    const now = await this.#claims.current(pod, claim).catch((cause: Error) => {
      // Of a pod that runs, it can wait until the API answers again.
      if (expansion.knows(pod, volume)) return undefined;
      const why = `get PVC failed : ${cause.message}`;
      throw new MountFailure('Setup failed while expanding volume', volume.name, why, { cause });
    });
    // What the claim is bound to by now may be another volume.
    if (now?.volume.metadata?.name !== volume.name) return;
    await expansion.expand({ pod, volume, claim: now.claim, object: now.volume }, ending);
  }
}

// What claims of pods are bound to, and where on this node that is (pkg/volume/{hostpath,local}).
import type { PersistentVolume, PersistentVolumeClaim, Pod } from '@drydock/api/generated/types.ts';
import { persistentVolumeClaims, persistentVolumes } from '@drydock/api/resource.ts';
import { claimFinalizer, isMadeFor, notMadeFor } from '@drydock/api/storage/pod-claims.ts';
import type { ApiClient } from '@drydock/client/api-client.ts';
import { VolumeError } from './payload.ts';

/** A place on this node. */
export interface HostPlace {
  /** Of the PersistentVolume. */
  readonly name: string;
  readonly path: string;
  /** It is the cluster's, and may be given to the group of its pods; a hostPath is the node's and stays as it is. */
  readonly isLocal: boolean;
}

/** What the claim of a pod is bound to is not known; the text is that of the pod's event. */
export class ClaimFailure extends VolumeError {}

export class Claims {
  readonly #client: ApiClient;
  /** By `uid/claim`: what a pod has mounted does not change under it. */
  readonly #known = new Map<string, PersistentVolume>();

  constructor(client: ApiClient) {
    this.#client = client;
  }

  /**
   * What the claim is bound to. Throws ClaimFailure.
   * @param ofPod the claim must be the pod's own, as that of an ephemeral volume.
   */
  async volume(pod: Pod, claim: string, ofPod = false): Promise<PersistentVolume> {
    const key = `${pod.metadata?.uid}/${claim}`;
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const namespace = pod.metadata?.namespace ?? '';
    const failed = (why: string, cause?: unknown) =>
      new ClaimFailure(`error processing PVC ${namespace}/${claim}: ${why}`, { cause });
    const found = await this.#client.get(persistentVolumeClaims, { namespace, name: claim }).catch((cause: Error) => {
      throw failed(`failed to fetch PVC from API server: ${cause.message}`, cause);
    });
    if (ofPod && !isMadeFor(found, pod)) throw new ClaimFailure(notMadeFor(pod, claim));
    // Its protection has let go of it, and counts on that no pod is started with it then. Until it does, a pod that ran before this
    // kubelet came keeps its volume.
    const { deletionTimestamp, finalizers = [] } = found.metadata ?? {};
    if (deletionTimestamp !== undefined && !finalizers.includes(claimFinalizer)) throw failed('PVC is being deleted');
    const volumeName = found.spec?.volumeName ?? '';
    if (found.status?.phase !== 'Bound' || volumeName === '') throw failed('PVC is not bound');
    const volume = await this.#client.get(persistentVolumes, { name: volumeName }).catch((cause: Error) => {
      throw failed(`failed to fetch PV ${volumeName} from API server: ${cause.message}`, cause);
    });
    const { uid } = found.metadata ?? {};
    if (volume.spec?.claimRef?.uid !== uid)
      throw failed(
        `found PV object ${volumeName} with PV.Spec.ClaimRef.UID ${volume.spec?.claimRef?.uid ?? ''} does not point to expected PVC.UID ${uid}`,
      );
    this.#known.set(key, volume);
    return volume;
  }

  /** The claim and what it is bound to, as they are now. Throws ApiError. */
  async current(pod: Pod, claim: string): Promise<{ claim: PersistentVolumeClaim; volume: PersistentVolume }> {
    const found = await this.#client.get(persistentVolumeClaims, { namespace: pod.metadata?.namespace ?? '', name: claim });
    const volume = await this.#client.get(persistentVolumes, { name: found.spec?.volumeName ?? '' });
    return { claim: found, volume };
  }

  forget(uid: string): void {
    for (const key of [...this.#known.keys()]) if (key.startsWith(`${uid}/`)) this.#known.delete(key);
  }
}

/** Undefined where the volume is no place of a node's. */
export function hostPlaceOf({ metadata, spec }: PersistentVolume): HostPlace | undefined {
  const path = spec?.hostPath?.path ?? spec?.local?.path;
  return path === undefined ? undefined : { name: metadata?.name ?? '', path, isLocal: spec?.local !== undefined };
}

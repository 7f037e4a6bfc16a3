// What the scheduler knows of claims, volumes and storage classes, and what it has decided about them that the API does not show yet.
import type {
  CSIDriver,
  CSINode,
  CSIStorageCapacity,
  PersistentVolume,
  PersistentVolumeClaim,
  Pod,
  StorageClass,
  VolumeAttachment,
} from '@drydock/api/generated/types.ts';
import { selectedNodeAnnotation } from '@drydock/api/storage/annotations.ts';
import { classOfVolume } from '@drydock/api/storage/classes.ts';
import { claimOfVolume } from '@drydock/api/storage/pod-claims.ts';
import type { ClusterEvent } from './cluster-event.ts';

/** What a placement decides about one claim that is not bound yet. */
export type ClaimChoice =
  /** This volume is to be its own. */
  | { readonly claim: string; readonly volume: string }
  /** A volume is to be made for this node. */
  | { readonly claim: string; readonly node: string };

/** `namespace/name`, as choices name claims. */
export function claimKey(namespace: string | undefined, name: string): string {
  return `${namespace ?? ''}/${name}`;
}

export class VolumesKnown {
  readonly #claims = new Map<string, PersistentVolumeClaim>();
  readonly #volumes = new Map<string, PersistentVolume>();
  readonly #byClass = new Map<string, Set<string>>();
  readonly #classes = new Map<string, StorageClass>();
  readonly #drivers = new Map<string, CSIDriver>();
  readonly #csiNodes = new Map<string, CSINode>();
  /** By the class's name, then by their own key. */
  readonly #capacities = new Map<string, Map<string, CSIStorageCapacity>>();
  /** By the node's name, then by their own. */
  readonly #attachments = new Map<string, Map<string, VolumeAttachment>>();
  /** By claim, with the uids of the pods for which it was chosen: several may share a claim. */
  readonly #choices = new Map<string, { readonly choice: ClaimChoice; readonly pods: Set<string> }>();

  claim(key: string): PersistentVolumeClaim | undefined {
    return this.#claims.get(key);
  }

  volume(name: string): PersistentVolume | undefined {
    return this.#volumes.get(name);
  }

  storageClass(name: string): StorageClass | undefined {
    return this.#classes.get(name);
  }

  driver(name: string): CSIDriver | undefined {
    return this.#drivers.get(name);
  }

  csiNode(name: string): CSINode | undefined {
    return this.#csiNodes.get(name);
  }

  capacitiesOf(className: string): Iterable<CSIStorageCapacity> {
    return this.#capacities.get(className)?.values() ?? [];
  }

  attachmentsOf(node: string): Iterable<VolumeAttachment> {
    return this.#attachments.get(node)?.values() ?? [];
  }

  volumesOf(className: string): PersistentVolume[] {
    return [...(this.#byClass.get(className) ?? [])].flatMap((name) => this.#volumes.get(name) ?? []);
  }

  /** What is decided about the claim: by this scheduler, or in the API. */
  choiceFor(key: string): ClaimChoice | undefined {
    const chosen = this.#choices.get(key)?.choice;
    if (chosen !== undefined) return chosen;
    const node = this.#claims.get(key)?.metadata?.annotations?.[selectedNodeAnnotation];
    return node === undefined ? undefined : { claim: key, node };
  }

  /** Names of the volumes that are chosen for other claims than this. */
  takenFromOthers(key: string): Set<string> {
    const taken = new Set<string>();
    for (const { choice } of this.#choices.values()) if ('volume' in choice && choice.claim !== key) taken.add(choice.volume);
    return taken;
  }

  reserve(uid: string, choices: readonly ClaimChoice[]): void {
    for (const choice of choices) {
      const known = this.#choices.get(choice.claim);
      if (known === undefined) this.#choices.set(choice.claim, { choice, pods: new Set([uid]) });
      else known.pods.add(uid);
    }
  }

  /** The pod is placed, or is not to be: what was chosen for it alone is free, where the API does not say otherwise. */
  release(uid: string): void {
    for (const [claim, { pods }] of this.#choices) if (pods.delete(uid) && pods.size === 0) this.#choices.delete(claim);
  }

  claimChanged(key: string, claim: PersistentVolumeClaim | undefined): ClusterEvent[] {
    if (claim === undefined) this.#claims.delete(key);
    else this.#claims.set(key, claim);
    return claim === undefined ? [] : [{ kind: 'claimChanged', key, claim }];
  }

  volumeChanged(name: string, volume: PersistentVolume | undefined): ClusterEvent[] {
    const before = this.#volumes.get(name);
    if (before !== undefined) this.#byClass.get(classOfVolume(before))?.delete(name);
    this.#volumes.delete(name);
    if (volume === undefined) return [];
    this.#volumes.set(name, volume);
    const className = classOfVolume(volume);
    const names = this.#byClass.get(className);
    if (names === undefined) this.#byClass.set(className, new Set([name]));
    else names.add(name);
    return [{ kind: 'volumeChanged' }];
  }

  classChanged(name: string, storageClass: StorageClass | undefined): ClusterEvent[] {
    if (storageClass === undefined) this.#classes.delete(name);
    else this.#classes.set(name, storageClass);
    return storageClass === undefined ? [] : [{ kind: 'storageClassChanged' }];
  }

  driverChanged(name: string, driver: CSIDriver | undefined): ClusterEvent[] {
    if (driver === undefined) this.#drivers.delete(name);
    else this.#drivers.set(name, driver);
    return driver === undefined ? [] : [{ kind: 'driverChanged' }];
  }

  csiNodeChanged(name: string, csiNode: CSINode | undefined): ClusterEvent[] {
    if (csiNode === undefined) this.#csiNodes.delete(name);
    else this.#csiNodes.set(name, csiNode);
    return csiNode === undefined ? [] : [{ kind: 'csiNodeChanged', csiNode }];
  }

  /** @param className that of the object, which never changes. */
  capacityChanged(key: string, className: string, capacity: CSIStorageCapacity | undefined): ClusterEvent[] {
    putIn(this.#capacities, className, key, capacity);
    return capacity === undefined ? [] : [{ kind: 'capacityChanged' }];
  }

  /** @param node that of the object, which never changes. */
  attachmentChanged(name: string, node: string, attachment: VolumeAttachment | undefined): ClusterEvent[] {
    putIn(this.#attachments, node, name, attachment);
    return attachment === undefined ? [{ kind: 'attachmentGone' }] : [];
  }
}

function putIn<T>(into: Map<string, Map<string, T>>, group: string, key: string, value: T | undefined): void {
  const members = into.get(group) ?? new Map<string, T>();
  if (value === undefined) members.delete(key);
  else members.set(key, value);
  if (members.size === 0) into.delete(group);
  else into.set(group, members);
}

/** The claims that a pod names, with what is ephemeral of it. */
export function claimsOfPod(pod: Pod): { readonly key: string; readonly name: string; readonly isEphemeral: boolean }[] {
  return (pod.spec?.volumes ?? []).flatMap((volume) => {
    const claim = claimOfVolume(pod, volume);
    if (claim === undefined) return [];
    return [{ key: claimKey(pod.metadata?.namespace, claim), name: claim, isEphemeral: volume.ephemeral !== undefined }];
  });
}

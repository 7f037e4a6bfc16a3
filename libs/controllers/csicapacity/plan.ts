// What a node says of the room that a driver has on it, for the scheduler: one CSIStorageCapacity per class. Pure; follows
// external-provisioner (pkg/capacity).
import { createHash } from 'node:crypto';
import type { CSIStorageCapacity, OwnerReference, StorageClass } from '@drydock/api/generated/types.ts';
import { formatQuantity, quantityOf } from '@drydock/api/quantity.ts';
import { csiStorageCapacities } from '@drydock/api/resource.ts';
import { bindsForFirstConsumer } from '@drydock/api/storage/classes.ts';
import type { Action } from '../common/action.ts';
import { nameOf, uidOf } from '../common/object-meta.ts';
import type { VolumeDriver } from '../common/volume-driver.ts';

export const driverNameLabel = 'csi.storage.k8s.io/drivername';
export const managedByLabel = 'csi.storage.k8s.io/managed-by';
/** Less than that is not said: the room on a disk changes all the time, and each change is a write. */
const stepBytes = 64 * 1024 * 1024;

export interface Room {
  readonly available: number;
  readonly largest: number;
}

export interface CapacitySettings {
  readonly driver: Pick<VolumeDriver, 'name' | 'nodeName' | 'topology'>;
  readonly namespace: string;
  /** The node: what is said of it goes with it. */
  readonly owner: OwnerReference;
}

/** What is this node's and this driver's among the objects. */
export function ownLabels({ name, nodeName }: CapacitySettings['driver']): Record<string, string> {
  return { [driverNameLabel]: name, [managedByLabel]: `external-provisioner-${nodeName}` };
}

/** Of which classes room is said: the others' claims are not the scheduler's. */
export function concerned(classes: Iterable<StorageClass>, driver: string): StorageClass[] {
  return [...classes].filter((each) => each.provisioner === driver && bindsForFirstConsumer(each));
}

/** @param present what there is with `ownLabels`. @param rooms by class. */
export function planCapacities(
  present: readonly CSIStorageCapacity[],
  rooms: ReadonlyMap<string, Room>,
  settings: CapacitySettings,
): Action[] {
  const actions: Action[] = [];
  const seen = new Set<string>();
  for (const object of present) {
    const room = rooms.get(object.storageClassName);
    const { name, uid } = { name: nameOf(object), uid: uidOf(object) };
    if (room === undefined || seen.has(object.storageClassName)) {
      const key = { namespace: settings.namespace, name };
      actions.push({ verb: 'delete', resource: csiStorageCapacities, key, preconditions: { uid } });
      continue;
    }
    seen.add(object.storageClassName);
    const said = sizesOf(room);
    const isSaid = object.capacity === said.capacity && object.maximumVolumeSize === said.maximumVolumeSize;
    // A node that was made anew is another one: what is owned by the one before goes.
    const isOwned = object.metadata?.ownerReferences?.some(({ uid: of }) => of === settings.owner.uid) === true;
    if (isSaid && isOwned) continue;
    const metadata = { ...object.metadata, ownerReferences: [settings.owner] };
    actions.push({ verb: 'update', resource: csiStorageCapacities, object: { ...object, ...said, metadata } });
  }
  for (const [storageClassName, room] of rooms)
    if (!seen.has(storageClassName))
      actions.push({ verb: 'create', resource: csiStorageCapacities, object: objectOf(storageClassName, room, settings) });
  return actions;
}

/** The name is always the same for a node and a class: what may have been made is not made twice. */
function objectOf(storageClassName: string, room: Room, { driver, namespace, owner }: CapacitySettings): CSIStorageCapacity {
  const hash = createHash('sha256').update(`${driver.name}\0${driver.nodeName}\0${storageClassName}`).digest('hex');
  return {
    apiVersion: 'storage.k8s.io/v1',
    kind: 'CSIStorageCapacity',
    metadata: { name: `csisc-${hash.slice(0, 12)}`, namespace, labels: ownLabels(driver), ownerReferences: [owner] },
    storageClassName,
    nodeTopology: { matchLabels: { ...driver.topology } },
    ...sizesOf(room),
  };
}

function sizesOf({ available, largest }: Room): { capacity: string; maximumVolumeSize: string } {
  const text = (bytes: number) => formatQuantity(quantityOf(Math.floor(bytes / stepBytes) * stepBytes, 'BinarySI'));
  return { capacity: text(available), maximumVolumeSize: text(largest) };
}

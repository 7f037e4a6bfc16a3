// Drives plan.ts: looks at the room from time to time, and when something was made, enlarged or deleted.
import type { StorageClass } from '@drydock/api/generated/types.ts';
import { csiStorageCapacities, nodes, storageClasses } from '@drydock/api/resource.ts';
import { formatLabelSelectorObject } from '@drydock/api/selectors/label.ts';
import { Driver } from '../common/driver.ts';
import { readLive } from '../common/live-read.ts';
import { nameOf, uidOf } from '../common/object-meta.ts';
import type { ControllerContext } from '../common/ports.ts';
import type { VolumeDriver } from '../common/volume-driver.ts';
import { concerned, ownLabels, planCapacities, type Room } from './plan.ts';

export interface CapacityOptions {
  readonly driver: VolumeDriver;
  /** Where the objects are. */
  readonly namespace: string;
  /** Calls back when the room has changed. */
  onChanged(look: () => void): void;
}

/** --capacity-poll-interval of upstream's. */
const pollMs = 60_000;
/** Several changes in a row are looked at once. */
const gatherMs = 500;
/** Until the node is there. */
const nodeRetryMs = 5_000;
const key = 'room';

/** Starts the controller; it runs until the context's signal aborts. */
export async function startCapacity(
  { driver, namespace, onChanged }: CapacityOptions,
  context: ControllerContext,
): Promise<void> {
  const classes = context.caches.of(storageClasses);
  const labelSelector = formatLabelSelectorObject({ matchLabels: ownLabels(driver) });
  const loop = new Driver(context, {
    name: 'csi-capacity',
    concurrency: 1,
    caches: [],
    waitFor: [classes],
    async sync(_, round) {
      const node = await readLive(round.client, nodes, { name: driver.nodeName });
      if (node === undefined) return nodeRetryMs;
      const rooms = await roomsOf(concerned(classes.list(), driver.name), driver);
      const { items } = await round.client.list(csiStorageCapacities, { namespace, labelSelector });
      const owner = { apiVersion: 'v1', kind: 'Node', name: nameOf(node), uid: uidOf(node) };
      await round.execute(planCapacities(items, rooms, { driver, namespace, owner }));
      return pollMs;
    },
  });
  classes.subscribe(() => loop.enqueue(key));
  onChanged(() => loop.enqueueAfter(key, gatherMs));
  await loop.start();
  loop.enqueue(key);
}

async function roomsOf(classes: readonly StorageClass[], driver: VolumeDriver): Promise<Map<string, Room>> {
  const rooms = new Map<string, Room>();
  for (const each of classes) rooms.set(nameOf(each), await driver.capacity(each.parameters ?? {}));
  return rooms;
}

// The table of what makes, enlarges and deletes volumes by a CSI driver of one node: what upstream's external-provisioner and
// external-resizer do beside such a driver.
import type { RandomStream } from '@drydock/foundation/random.ts';
import type { VolumeDriver } from './common/volume-driver.ts';
import { startCapacity } from './csicapacity/controller.ts';
import { startProvisioner } from './csiprovisioner/controller.ts';
import { startResizer } from './csiresizer/controller.ts';
import type { ControllerSet } from './entry.ts';

export interface StorageOptions {
  readonly driver: VolumeDriver;
  /** Of this provisioner, as volumes show it. */
  readonly identity: string;
  /** Where the objects are that say how much room there is. */
  readonly capacityNamespace: string;
  readonly random: RandomStream;
}

/** @param component of the provisioner's events. */
export function storageControllers(driverName: string, component: string): ControllerSet<StorageOptions> {
  const listeners: (() => void)[] = [];
  const changed = (): void => {
    for (const each of listeners) each();
  };
  return {
    entries: [
      {
        name: 'csi-provisioner',
        alias: 'provisioner',
        account: 'csi-local',
        eventSource: component,
        start: (options, context) => startProvisioner({ ...options, changed }, context),
      },
      {
        name: 'csi-resizer',
        alias: 'resizer',
        account: 'csi-local',
        eventSource: `external-resizer ${driverName}`,
        start: ({ driver }, context) => startResizer({ driver, changed }, context),
      },
      {
        name: 'csi-capacity',
        alias: 'capacity',
        account: 'csi-local',
        start: ({ driver, capacityNamespace: namespace }, context) =>
          startCapacity({ driver, namespace, onChanged: (look) => listeners.push(look) }, context),
      },
    ],
    notYet: [],
  };
}

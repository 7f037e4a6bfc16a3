// The table of what makes, enlarges and deletes volumes by a CSI driver of one node: what upstream's external-provisioner and
// external-resizer do beside such a driver.
import type { PolicyRule } from '@drydock/api/generated/types.ts';
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

const read = ['get', 'list', 'watch'];

/** What they may do everywhere, for a role. Upstream's sidecars patch where these update. */
export const storageRules: readonly PolicyRule[] = [
  { apiGroups: [''], resources: ['persistentvolumes'], verbs: [...read, 'create', 'update', 'delete'] },
  { apiGroups: [''], resources: ['persistentvolumeclaims'], verbs: [...read, 'update'] },
  { apiGroups: [''], resources: ['persistentvolumeclaims/status'], verbs: ['update'] },
  { apiGroups: [''], resources: ['nodes'], verbs: ['get'] },
  { apiGroups: [''], resources: ['events'], verbs: ['create', 'patch'] },
  { apiGroups: ['storage.k8s.io'], resources: ['storageclasses'], verbs: read },
];

/** What they may do in the namespace of the objects that say how much room there is. */
export const capacityRules: readonly PolicyRule[] = [
  {
    apiGroups: ['storage.k8s.io'],
    resources: ['csistoragecapacities'],
    verbs: ['list', 'create', 'update', 'delete'],
  },
];

// The driver as one: its services, joined to one store.
import { controllerCapabilities, nodeCapabilities, pluginCapabilities } from './capabilities.ts';
import { ControllerService } from './controller.ts';
import { NodeService, type VolumeMounts } from './node.ts';
import type { ServedService } from './socket-server.ts';
import type { VolumeFolders, VolumeStore } from './volume-store.ts';

export interface DriverPorts {
  readonly driverName: string;
  readonly version: string;
  readonly nodeId: string;
  readonly store: VolumeStore;
  readonly folders: VolumeFolders;
  readonly mounts: VolumeMounts;
}

export interface Driver {
  readonly controller: ControllerService;
  readonly node: NodeService;
  /** As served at the driver's socket. */
  readonly services: readonly ServedService[];
}

/** The label that says of a node which volumes of the driver it reaches: its own. */
function topologyKey(driverName: string): string {
  return `topology.${driverName}/node`;
}

export function createDriver({ driverName, version, nodeId, store, folders, mounts }: DriverPorts): Driver {
  const topology = { segments: { [topologyKey(driverName)]: nodeId } };
  const controller = new ControllerService({ store, topology });
  const node = new NodeService({ store, folders, mounts, nodeId, topology });
  const file = 'csi/v1/csi.proto';
  const services = [
    {
      file,
      name: 'csi.v1.Identity',
      methods: {
        GetPluginInfo: () => ({ name: driverName, vendor_version: version }),
        GetPluginCapabilities: () => pluginCapabilities,
        Probe: () => ({ ready: { value: true } }),
      },
    },
    {
      file,
      name: 'csi.v1.Controller',
      methods: {
        ControllerGetCapabilities: () => controllerCapabilities,
        CreateVolume: controller.create.bind(controller),
        DeleteVolume: controller.delete.bind(controller),
        ValidateVolumeCapabilities: controller.validate.bind(controller),
        ListVolumes: controller.list.bind(controller),
        GetCapacity: controller.capacity.bind(controller),
        ControllerExpandVolume: controller.expand.bind(controller),
      },
    },
    {
      file,
      name: 'csi.v1.Node',
      methods: {
        NodeGetCapabilities: () => nodeCapabilities,
        NodeGetInfo: () => node.info(),
        NodePublishVolume: node.publish.bind(node),
        NodeUnpublishVolume: node.unpublish.bind(node),
        NodeGetVolumeStats: node.stats.bind(node),
      },
    },
  ];
  return { controller, node, services };
}

/** By which the driver makes itself known to the kubelet; `refused` is told why where it is not taken. */
export function registrationService(driverName: string, endpoint: string, refused: (why: string) => void): ServedService {
  return {
    file: 'pluginregistration/v1/api.proto',
    name: 'pluginregistration.Registration',
    methods: {
      GetInfo: () => ({ type: 'CSIPlugin', name: driverName, endpoint, supported_versions: ['1.0.0'] }),
      NotifyRegistrationStatus: ({ plugin_registered: isTaken, error }: { plugin_registered: boolean; error: string }) => {
        if (!isTaken) refused(error);
        return {};
      },
    },
  };
}

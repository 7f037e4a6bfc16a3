// Flags of csi-local, named as those of upstream's hostpath driver and of its sidecars where they have the same.
import { flag } from '@drydock/foundation/flags.ts';

export const flags = {
  drivername: flag('string', 'local.csi.drydock.io', 'Name of the driver'),
  nodeid: flag('string', '', 'Name of the node that it runs on. Default: the name of this machine'),
  statedir: flag(
    'string',
    '/var/lib/csi-local',
    'Folder of the volumes and of what is known of them; made where it is missing',
  ),
  endpoint: flag(
    'string',
    'unix:///var/lib/kubelet/plugins/local.csi.drydock.io/csi.sock',
    'Socket of the driver; its folder is made where it is missing',
  ),
  'kubelet-registration-path': flag(
    'string',
    '',
    "Socket in the kubelet's plugins_registry at which the driver makes itself known. Empty: it does not",
  ),
  capacity: flag('int', 0, 'Bytes that may be promised to volumes altogether. 0: as many as the file system of --statedir has'),
  kubeconfig: flag(
    'string',
    '',
    'Kubeconfig of who makes, enlarges and deletes volumes for claims of this node. Empty: nobody does',
  ),
  'capacity-namespace': flag('string', 'kube-system', 'Namespace of the objects that say how much room there is'),
  'kube-api-qps': flag('float', 20, 'Requests per second to the apiserver of each of the three'),
  'kube-api-burst': flag('int', 30, 'Requests to the apiserver at once'),
  v: flag('int', 0, 'Verbosity of the log: 0 to 4'),
} as const;

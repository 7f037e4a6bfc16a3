// What was once part of Kubernetes itself and is done by drivers that took it over (upstream's k8s.io/csi-translation-lib).
import type { PersistentVolume } from '@drydock/api/generated/types.ts';

/** One sort of volume: its field in a PersistentVolume, its old name, and the driver's. */
const plugins = [
  ['awsElasticBlockStore', 'kubernetes.io/aws-ebs', 'ebs.csi.aws.com'],
  ['azureDisk', 'kubernetes.io/azure-disk', 'disk.csi.azure.com'],
  ['azureFile', 'kubernetes.io/azure-file', 'file.csi.azure.com'],
  ['cinder', 'kubernetes.io/cinder', 'cinder.csi.openstack.org'],
  ['gcePersistentDisk', 'kubernetes.io/gce-pd', 'pd.csi.storage.gke.io'],
  ['portworxVolume', 'kubernetes.io/portworx-volume', 'pxd.portworx.com'],
  ['vsphereVolume', 'kubernetes.io/vsphere-volume', 'csi.vsphere.vmware.com'],
] as const;

const drivers: ReadonlyMap<string, string> = new Map(plugins.map(([, plugin, driver]) => [plugin, driver]));

/** The driver that took over what had that name; undefined where none did. */
export function successorOf(plugin: string): string | undefined {
  return drivers.get(plugin);
}

/** The old name of what the volume is of, and who took it over; undefined for what nobody took over. */
export function migratedPluginOf({ spec }: PersistentVolume): { readonly plugin: string; readonly driver: string } | undefined {
  const found = plugins.find(([field]) => spec?.[field] !== undefined);
  return found === undefined ? undefined : { plugin: found[1], driver: found[2] };
}

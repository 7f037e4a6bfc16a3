// Who makes the volumes of a class. What was once part of Kubernetes itself is done by the drivers that took it over.
import type { StorageClass } from '@drydock/api/generated/types.ts';

/** The drivers that took over what had names of its own in the tree (upstream's k8s.io/csi-translation-lib). */
const successors: Readonly<Record<string, string>> = {
  'kubernetes.io/aws-ebs': 'ebs.csi.aws.com',
  'kubernetes.io/azure-disk': 'disk.csi.azure.com',
  'kubernetes.io/azure-file': 'file.csi.azure.com',
  'kubernetes.io/cinder': 'cinder.csi.openstack.org',
  'kubernetes.io/gce-pd': 'pd.csi.storage.gke.io',
  'kubernetes.io/portworx-volume': 'pxd.portworx.com',
  'kubernetes.io/vsphere-volume': 'csi.vsphere.vmware.com',
};

/** The name under which the provisioner looks for its claims; undefined where nobody provisions, as with `no-provisioner`. */
export function provisionerOf({ provisioner }: StorageClass): string | undefined {
  return successors[provisioner] ?? (provisioner.startsWith('kubernetes.io/') ? undefined : provisioner);
}

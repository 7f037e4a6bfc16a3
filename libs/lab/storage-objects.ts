// What a lab adds to its cluster for volumes: the driver, the class of who names none, and what the driver's programs may do.
import { capacityRules, storageRules } from '@drydock/controllers/storage-rules.ts';
import type { BootstrapObject } from './bootstrap.ts';
import { localDriver } from './programs/csi-local.ts';
import type { Topology } from './topology.ts';

/** Who the programs are that make volumes. */
export const storageUser = 'system:csi-local';
/** Where it is said how much room there is. */
const capacityNamespace = 'kube-system';

export function storageObjects({ config }: Topology): BootstrapObject[] {
  if (config.storage === 'none') return [];
  const group = 'rbac.authorization.k8s.io';
  const metadata = { name: storageUser };
  const subjects = [{ apiGroup: group, kind: 'User', name: storageUser }];
  const rbac = (kind: string, path: string, more: object): BootstrapObject => ({
    path: `/apis/${group}/v1/${path}`,
    body: { apiVersion: `${group}/v1`, kind, metadata, ...more },
  });
  const roleRef = (kind: string) => ({ subjects, roleRef: { apiGroup: group, kind, name: storageUser } });
  const storage = 'storage.k8s.io/v1';
  return [
    {
      path: `/apis/${storage}/csidrivers`,
      body: {
        apiVersion: storage,
        kind: 'CSIDriver',
        metadata: { name: localDriver },
        spec: {
          attachRequired: false,
          podInfoOnMount: true,
          storageCapacity: true,
          fsGroupPolicy: 'File',
          volumeLifecycleModes: ['Persistent', 'Ephemeral'],
        },
      },
    },
    {
      path: `/apis/${storage}/storageclasses`,
      body: {
        apiVersion: storage,
        kind: 'StorageClass',
        metadata: { name: 'standard', annotations: { 'storageclass.kubernetes.io/is-default-class': 'true' } },
        provisioner: localDriver,
        reclaimPolicy: 'Delete',
        // A volume is on one node: which one, the scheduler says.
        volumeBindingMode: 'WaitForFirstConsumer',
        allowVolumeExpansion: true,
      },
    },
    rbac('ClusterRole', 'clusterroles', { rules: storageRules }),
    rbac('ClusterRoleBinding', 'clusterrolebindings', roleRef('ClusterRole')),
    rbac('Role', `namespaces/${capacityNamespace}/roles`, { rules: capacityRules }),
    rbac('RoleBinding', `namespaces/${capacityNamespace}/rolebindings`, roleRef('Role')),
  ];
}

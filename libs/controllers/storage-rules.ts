// The rights of who runs storage-controllers.ts.
import type { PolicyRule } from '@drydock/api/generated/types.ts';

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

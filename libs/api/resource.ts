// How code names a resource type: group, version and plural name, with the TypeScript type of its objects attached.
import type * as k8s from './generated/types.ts';

/** Any Kubernetes object, as JSON. */
export interface KubeObject {
  apiVersion?: string | undefined;
  kind?: string | undefined;
  metadata?: k8s.ObjectMeta | undefined;
}

/** A resource type. `T` is the type of its objects; it exists for the compiler only. */
export interface Resource<T extends KubeObject = KubeObject> {
  /** API group; the empty string is the core group. */
  readonly group: string;
  readonly version: string;
  /** Plural lower-case name, as in paths. */
  readonly resource: string;
  readonly kind: string;
  readonly namespaced: boolean;
  readonly objectType?: T;
}

/** `v1` or `apps/v1`. */
export function apiVersionOf(resource: { group: string; version: string }): string {
  return resource.group === '' ? resource.version : `${resource.group}/${resource.version}`;
}

/** `deployments.apps`, or `pods` in the core group: upstream's GroupResource text. */
export function groupResourceOf(resource: { group: string; resource: string }): string {
  return resource.group === '' ? resource.resource : `${resource.resource}.${resource.group}`;
}

function define<T extends KubeObject>(groupVersion: string, resource: string, kind: string, namespaced = true): Resource<T> {
  const slash = groupVersion.indexOf('/');
  const group = slash < 0 ? '' : groupVersion.slice(0, slash);
  return { group, version: groupVersion.slice(slash + 1), resource, kind, namespaced };
}

export const pods = define<k8s.Pod>('v1', 'pods', 'Pod');
export const apiServices = define<k8s.APIService>('apiregistration.k8s.io/v1', 'apiservices', 'APIService', false);
export const services = define<k8s.Service>('v1', 'services', 'Service');
export const endpoints = define<k8s.Endpoints>('v1', 'endpoints', 'Endpoints');
export const nodes = define<k8s.Node>('v1', 'nodes', 'Node', false);
export const namespaces = define<k8s.Namespace>('v1', 'namespaces', 'Namespace', false);
export const configMaps = define<k8s.ConfigMap>('v1', 'configmaps', 'ConfigMap');
export const secrets = define<k8s.Secret>('v1', 'secrets', 'Secret');
export const serviceAccounts = define<k8s.ServiceAccount>('v1', 'serviceaccounts', 'ServiceAccount');
export const events = define<k8s.CoreEvent>('v1', 'events', 'Event');
export const replicationControllers = define<k8s.ReplicationController>(
  'v1',
  'replicationcontrollers',
  'ReplicationController',
);
export const runtimeClasses = define<k8s.RuntimeClass>('node.k8s.io/v1', 'runtimeclasses', 'RuntimeClass', false);
export const persistentVolumes = define<k8s.PersistentVolume>('v1', 'persistentvolumes', 'PersistentVolume', false);
export const persistentVolumeClaims = define<k8s.PersistentVolumeClaim>(
  'v1',
  'persistentvolumeclaims',
  'PersistentVolumeClaim',
);
export const resourceQuotas = define<k8s.ResourceQuota>('v1', 'resourcequotas', 'ResourceQuota');
export const limitRanges = define<k8s.LimitRange>('v1', 'limitranges', 'LimitRange');
export const horizontalPodAutoscalers = define<k8s.V2HorizontalPodAutoscaler>(
  'autoscaling/v2',
  'horizontalpodautoscalers',
  'HorizontalPodAutoscaler',
);
export const deployments = define<k8s.Deployment>('apps/v1', 'deployments', 'Deployment');
export const replicaSets = define<k8s.ReplicaSet>('apps/v1', 'replicasets', 'ReplicaSet');
export const statefulSets = define<k8s.StatefulSet>('apps/v1', 'statefulsets', 'StatefulSet');
export const daemonSets = define<k8s.DaemonSet>('apps/v1', 'daemonsets', 'DaemonSet');
export const controllerRevisions = define<k8s.ControllerRevision>('apps/v1', 'controllerrevisions', 'ControllerRevision');
export const jobs = define<k8s.Job>('batch/v1', 'jobs', 'Job');
export const cronJobs = define<k8s.CronJob>('batch/v1', 'cronjobs', 'CronJob');
export const validatingWebhookConfigurations = define<k8s.ValidatingWebhookConfiguration>(
  'admissionregistration.k8s.io/v1',
  'validatingwebhookconfigurations',
  'ValidatingWebhookConfiguration',
  false,
);
export const mutatingWebhookConfigurations = define<k8s.MutatingWebhookConfiguration>(
  'admissionregistration.k8s.io/v1',
  'mutatingwebhookconfigurations',
  'MutatingWebhookConfiguration',
  false,
);
export const leases = define<k8s.Lease>('coordination.k8s.io/v1', 'leases', 'Lease');
export const endpointSlices = define<k8s.EndpointSlice>('discovery.k8s.io/v1', 'endpointslices', 'EndpointSlice');
export const priorityClasses = define<k8s.PriorityClass>('scheduling.k8s.io/v1', 'priorityclasses', 'PriorityClass', false);
export const podDisruptionBudgets = define<k8s.PodDisruptionBudget>('policy/v1', 'poddisruptionbudgets', 'PodDisruptionBudget');
export const storageClasses = define<k8s.StorageClass>('storage.k8s.io/v1', 'storageclasses', 'StorageClass', false);
export const ingressClasses = define<k8s.IngressClass>('networking.k8s.io/v1', 'ingressclasses', 'IngressClass', false);
export const csiDrivers = define<k8s.CSIDriver>('storage.k8s.io/v1', 'csidrivers', 'CSIDriver', false);
export const csiNodes = define<k8s.CSINode>('storage.k8s.io/v1', 'csinodes', 'CSINode', false);
export const csiStorageCapacities = define<k8s.CSIStorageCapacity>(
  'storage.k8s.io/v1',
  'csistoragecapacities',
  'CSIStorageCapacity',
);
export const volumeAttachments = define<k8s.VolumeAttachment>(
  'storage.k8s.io/v1',
  'volumeattachments',
  'VolumeAttachment',
  false,
);
export const volumeAttributesClasses = define<k8s.VolumeAttributesClass>(
  'storage.k8s.io/v1',
  'volumeattributesclasses',
  'VolumeAttributesClass',
  false,
);
export const resourceSlices = define<k8s.ResourceSlice>('resource.k8s.io/v1', 'resourceslices', 'ResourceSlice', false);
export const ingresses = define<k8s.Ingress>('networking.k8s.io/v1', 'ingresses', 'Ingress');
export const clusterRoles = define<k8s.ClusterRole>('rbac.authorization.k8s.io/v1', 'clusterroles', 'ClusterRole', false);
export const clusterRoleBindings = define<k8s.ClusterRoleBinding>(
  'rbac.authorization.k8s.io/v1',
  'clusterrolebindings',
  'ClusterRoleBinding',
  false,
);
export const roles = define<k8s.Role>('rbac.authorization.k8s.io/v1', 'roles', 'Role');
export const roleBindings = define<k8s.RoleBinding>('rbac.authorization.k8s.io/v1', 'rolebindings', 'RoleBinding');

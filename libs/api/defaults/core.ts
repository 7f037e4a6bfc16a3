// Defaults of the core group's kinds but workloads and services.
import type {
  LimitRange,
  Namespace,
  Node,
  PersistentVolume,
  PersistentVolumeClaim,
  Pod,
  PodTemplate,
  ReplicationController,
  ResourceQuota,
  Secret,
} from '../generated/types.ts';
import { defaulter } from './define.ts';
import { defaultPod, defaultPodTemplate } from './pod.ts';
import { roundQuantities } from './quantities.ts';
import { defaultVolumeSource } from './volumes.ts';

export const namespaceNameLabel = 'kubernetes.io/metadata.name';

export const coreDefaulters = [
  defaulter<Pod>('/Pod', defaultPod),
  defaulter<PodTemplate>('/PodTemplate', (object) => defaultPodTemplate(object.template)),
  defaulter<ReplicationController>('/ReplicationController', defaultReplicationController),
  defaulter<Namespace>('/Namespace', defaultNamespace),
  defaulter<Node>('/Node', defaultNode),
  defaulter<Secret>('/Secret', (secret) => {
    secret.type ||= 'Opaque';
  }),
  defaulter<PersistentVolume>('/PersistentVolume', defaultPersistentVolume),
  defaulter<PersistentVolumeClaim>('/PersistentVolumeClaim', defaultPersistentVolumeClaim),
  defaulter<LimitRange>('/LimitRange', defaultLimitRange),
  defaulter<ResourceQuota>('/ResourceQuota', (quota) => {
    roundQuantities(quota.spec?.hard);
    roundQuantities(quota.status?.hard);
    roundQuantities(quota.status?.used);
  }),
];

function defaultReplicationController(controller: ReplicationController): void {
  const spec = controller.spec;
  if (spec === undefined) return;
  spec.replicas ??= 1;
  const labels = spec.template?.metadata?.labels;
  if (labels !== undefined) {
    if (Object.keys(spec.selector ?? {}).length === 0) spec.selector = { ...labels };
    controller.metadata ??= {};
    if (Object.keys(controller.metadata.labels ?? {}).length === 0) controller.metadata.labels = { ...labels };
  }
  defaultPodTemplate(spec.template);
}

function defaultNamespace(namespace: Namespace): void {
  const metadata = namespace.metadata;
  if (metadata?.name !== undefined && metadata.name !== '') {
    metadata.labels = { ...metadata.labels, [namespaceNameLabel]: metadata.name };
  }
  namespace.status ??= {};
  namespace.status.phase ||= 'Active';
}

function defaultNode(node: Node): void {
  const spec = node.spec;
  if (spec?.podCIDR && spec.podCIDRs === undefined) spec.podCIDRs = [spec.podCIDR];
  else if (spec?.podCIDRs?.[0] !== undefined) spec.podCIDR ||= spec.podCIDRs[0];
  const status = node.status;
  if (status === undefined) return;
  if (status.allocatable === undefined && status.capacity !== undefined) status.allocatable = { ...status.capacity };
  roundQuantities(status.capacity);
  roundQuantities(status.allocatable);
}

function defaultPersistentVolume(volume: PersistentVolume): void {
  volume.status ??= {};
  volume.status.phase ||= 'Pending';
  const spec = volume.spec;
  if (spec === undefined) return;
  spec.persistentVolumeReclaimPolicy ||= 'Retain';
  spec.volumeMode ??= 'Filesystem';
  // What is not a pointer upstream is not written where it is empty.
  if (spec.storageClassName === '') delete spec.storageClassName;
  if (spec.hostPath !== undefined) spec.hostPath.type ??= '';
  roundQuantities(spec.capacity);
  defaultVolumeSource(spec);
}

export function defaultPersistentVolumeClaim(claim: PersistentVolumeClaim): void {
  claim.status ??= {};
  claim.status.phase ||= 'Pending';
  if (claim.spec === undefined) return;
  claim.spec.volumeMode ??= 'Filesystem';
  if (claim.spec.volumeName === '') delete claim.spec.volumeName;
  roundQuantities(claim.spec.resources?.requests);
  roundQuantities(claim.spec.resources?.limits);
}

function defaultLimitRange(range: LimitRange): void {
  for (const item of range.spec?.limits ?? []) {
    if (item.type === 'Container') {
      item.default ??= {};
      item.defaultRequest ??= {};
      for (const [name, max] of Object.entries(item.max ?? {})) item.default[name] ??= max;
      for (const [name, limit] of Object.entries(item.default)) item.defaultRequest[name] ??= limit;
      for (const [name, min] of Object.entries(item.min ?? {})) item.defaultRequest[name] ??= min;
      if (Object.keys(item.default).length === 0) delete item.default;
      if (Object.keys(item.defaultRequest ?? {}).length === 0) delete item.defaultRequest;
    }
    for (const list of [item.max, item.min, item.default, item.defaultRequest, item.maxLimitRequestRatio])
      roundQuantities(list);
  }
}

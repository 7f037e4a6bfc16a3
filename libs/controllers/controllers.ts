// The table of kube-controller-manager's controllers.
import type { FeatureGates } from '@drydock/foundation/feature-gates.ts';
import { startAttachDetachController } from './attachdetach/controller.ts';
import type { DetachSettings } from './attachdetach/detachable.ts';
import { startClusterRoleAggregation } from './clusterrole-aggregation/controller.ts';
import type { ListedResource } from './common/resource-list.ts';
import { startCronJobController } from './cronjob/controller.ts';
import { startDaemonSetController } from './daemonset/controller.ts';
import { startDeploymentController } from './deployment/controller.ts';
import { startDisruptionController } from './disruption/controller.ts';
import { startEndpointsController } from './endpoints/controller.ts';
import { startEndpointSliceController } from './endpointslice/controller.ts';
import { type MirroringOptions, startMirroringController } from './endpointslicemirroring/controller.ts';
import type { ControllerEntry, ControllerSet } from './entry.ts';
import { startEphemeralVolumes } from './ephemeralvolume/controller.ts';
import { startExpandController } from './expand/controller.ts';
import { startGarbageCollector } from './garbage-collector/controller.ts';
import { startJobController } from './job/controller.ts';
import { startNamespaceController } from './namespace/controller.ts';
import { startNodeIpamController } from './nodeipam/controller.ts';
import type { ClusterNetwork } from './nodeipam/plan.ts';
import { type NodeControllerOptions, startNodeLifecycleController } from './nodelifecycle/controller.ts';
import { notYet } from './not-yet.ts';
import { type BinderOptions, startVolumeBinder } from './persistentvolume/controller.ts';
import { startPodAutoscaler } from './podautoscaler/controller.ts';
import type { AutoscalerSettings } from './podautoscaler/settings.ts';
import { startPodGarbageCollector } from './podgc/controller.ts';
import { startPodSetController } from './replicaset/controller.ts';
import { replicaSetKind, replicationControllerKind } from './replicaset/kinds.ts';
import { startResourceQuotaController } from './resourcequota/controller.ts';
import { startRootCaPublisher, startServiceAccountController, startServiceCaPublisher } from './serviceaccount/controller.ts';
import { startStatefulSetController } from './statefulset/controller.ts';
import { startTaintEvictionController } from './tainteviction/controller.ts';
import { startTtlAfterFinishedController } from './ttlafterfinished/controller.ts';
import { startAttributesClassProtection } from './volumeprotection/attributes-class.ts';
import { startClaimProtection, startVolumeProtection } from './volumeprotection/controller.ts';

/** What the flags say. */
export interface ManagerOptions {
  readonly node: NodeControllerOptions;
  /** undefined without --allocate-node-cidrs. */
  readonly network: ClusterNetwork | undefined;
  /** The content of --root-ca-file; undefined without. */
  readonly rootCa: string | undefined;
  /** --feature-gates */
  readonly gates: Pick<FeatureGates, 'enabled'>;
  readonly volumes: BinderOptions;
  readonly detaching: DetachSettings;
  readonly terminatedPodsMax: number;
  readonly maxEndpointsPerSlice: number;
  readonly endpointBatchMs: number;
  readonly endpointSliceBatchMs: number;
  readonly mirroring: MirroringOptions;
  readonly autoscaling: AutoscalerSettings;
  readonly concurrency: {
    readonly cronJobs: number;
    readonly daemonSets: number;
    readonly deployments: number;
    readonly jobs: number;
    readonly finishedJobs: number;
    readonly replicaSets: number;
    readonly replicationControllers: number;
    readonly statefulSets: number;
    readonly endpoints: number;
    readonly endpointSlices: number;
    readonly ephemeralVolumes: number;
    readonly namespaces: number;
    readonly garbage: number;
  };
  /** Every type the apiserver serves that can be listed, watched and deleted. */
  readonly resources: readonly ListedResource[];
}

/** In the order in which they start. The garbage collector is last: it shares the caches of the others. */
export const controllers: readonly ControllerEntry<ManagerOptions>[] = [
  {
    name: 'serviceaccount-controller',
    alias: 'serviceaccount',
    account: 'service-account-controller',
    start: (_, context) => startServiceAccountController(context),
  },
  {
    name: 'root-ca-certificate-publisher-controller',
    alias: 'root-ca-cert-publisher',
    account: 'root-ca-cert-publisher',
    start: ({ rootCa }, context) => (rootCa === undefined ? undefined : startRootCaPublisher(rootCa, context)),
  },
  {
    name: 'service-ca-certificate-publisher-controller',
    alias: 'service-ca-cert-publisher',
    account: 'service-ca-cert-publisher',
    start: (_, context) => startServiceCaPublisher(context),
  },
  {
    name: 'node-ipam-controller',
    alias: 'nodeipam',
    account: 'node-controller',
    start: ({ network }, context) => (network === undefined ? undefined : startNodeIpamController(network, context)),
  },
  {
    name: 'node-lifecycle-controller',
    alias: 'nodelifecycle',
    account: 'node-controller',
    start: ({ node }, context) => startNodeLifecycleController(node, context),
  },
  {
    name: 'taint-eviction-controller',
    alias: 'taint-eviction-controller',
    account: 'node-controller',
    start: (_, context) => startTaintEvictionController(context),
  },
  {
    name: 'daemonset-controller',
    alias: 'daemonset',
    account: 'daemon-set-controller',
    eventSource: 'daemonset-controller',
    start: ({ concurrency }, context) => startDaemonSetController(concurrency.daemonSets, context),
  },
  {
    name: 'deployment-controller',
    alias: 'deployment',
    account: 'deployment-controller',
    start: ({ concurrency }, context) => startDeploymentController(concurrency.deployments, context),
  },
  {
    name: 'job-controller',
    alias: 'job',
    account: 'job-controller',
    start: ({ concurrency }, context) => startJobController(concurrency.jobs, context),
  },
  {
    name: 'ttl-after-finished-controller',
    alias: 'ttl-after-finished',
    account: 'ttl-after-finished-controller',
    start: ({ concurrency }, context) => startTtlAfterFinishedController(concurrency.finishedJobs, context),
  },
  {
    name: 'replicaset-controller',
    alias: 'replicaset',
    account: 'replicaset-controller',
    start: ({ concurrency }, context) => startPodSetController(replicaSetKind, concurrency.replicaSets, context),
  },
  {
    name: 'replicationcontroller-controller',
    alias: 'replicationcontroller',
    account: 'replication-controller',
    start: ({ concurrency }, context) =>
      startPodSetController(replicationControllerKind, concurrency.replicationControllers, context),
  },
  {
    name: 'statefulset-controller',
    alias: 'statefulset',
    account: 'statefulset-controller',
    start: ({ concurrency, gates }, context) =>
      startStatefulSetController(
        { concurrency: concurrency.statefulSets, severalUnavailable: gates.enabled('MaxUnavailableStatefulSet') },
        context,
      ),
  },
  {
    name: 'cronjob-controller',
    alias: 'cronjob',
    account: 'cronjob-controller',
    start: ({ concurrency }, context) => startCronJobController(concurrency.cronJobs, context),
  },
  {
    name: 'horizontal-pod-autoscaler-controller',
    alias: 'horizontalpodautoscaling',
    account: 'horizontal-pod-autoscaler',
    start: ({ autoscaling }, context) => startPodAutoscaler(autoscaling, context),
  },
  {
    name: 'disruption-controller',
    alias: 'disruption',
    account: 'disruption-controller',
    eventSource: 'controllermanager',
    start: ({ resources }, context) => startDisruptionController(resources, context),
  },
  {
    name: 'endpoints-controller',
    alias: 'endpoint',
    account: 'endpoint-controller',
    start: ({ concurrency, endpointBatchMs }, context) =>
      startEndpointsController({ concurrency: concurrency.endpoints, batchMs: endpointBatchMs }, context),
  },
  {
    name: 'endpointslice-controller',
    alias: 'endpointslice',
    account: 'endpointslice-controller',
    start: ({ concurrency, maxEndpointsPerSlice, endpointSliceBatchMs }, context) =>
      startEndpointSliceController(
        { concurrency: concurrency.endpointSlices, maxPerSlice: maxEndpointsPerSlice, batchMs: endpointSliceBatchMs },
        context,
      ),
  },
  {
    name: 'endpointslice-mirroring-controller',
    alias: 'endpointslicemirroring',
    account: 'endpointslicemirroring-controller',
    eventSource: 'endpoint-slice-mirroring-controller',
    start: ({ mirroring }, context) => startMirroringController(mirroring, context),
  },
  {
    name: 'clusterrole-aggregation-controller',
    alias: 'clusterrole-aggregation',
    account: 'clusterrole-aggregation-controller',
    start: (_, context) => startClusterRoleAggregation(context),
  },
  {
    name: 'pod-garbage-collector-controller',
    alias: 'podgc',
    account: 'pod-garbage-collector',
    start: ({ terminatedPodsMax }, context) => startPodGarbageCollector(terminatedPodsMax, context),
  },
  {
    name: 'persistentvolume-binder-controller',
    alias: 'persistentvolume-binder',
    account: 'persistent-volume-binder',
    eventSource: 'persistentvolume-controller',
    start: ({ volumes }, context) => startVolumeBinder(volumes, context),
  },
  {
    name: 'persistentvolume-attach-detach-controller',
    alias: 'attachdetach',
    account: 'attachdetach-controller',
    start: ({ detaching }, context) => startAttachDetachController(detaching, context),
  },
  {
    name: 'persistentvolume-expander-controller',
    alias: 'persistentvolume-expander',
    account: 'expand-controller',
    eventSource: 'volume_expand',
    start: (_, context) => startExpandController(context),
  },
  {
    name: 'ephemeral-volume-controller',
    alias: 'ephemeral-volume',
    account: 'ephemeral-volume-controller',
    eventSource: 'ephemeral_volume',
    start: ({ concurrency }, context) => startEphemeralVolumes(concurrency.ephemeralVolumes, context),
  },
  {
    name: 'persistentvolumeclaim-protection-controller',
    alias: 'pvc-protection',
    account: 'pvc-protection-controller',
    start: (_, context) => startClaimProtection(context),
  },
  {
    name: 'persistentvolume-protection-controller',
    alias: 'pv-protection',
    account: 'pv-protection-controller',
    start: (_, context) => startVolumeProtection(context),
  },
  {
    name: 'volumeattributesclass-protection-controller',
    alias: 'volumeattributesclass-protection-controller',
    account: 'volumeattributesclass-protection-controller',
    start: (_, context) => startAttributesClassProtection(context),
  },
  {
    name: 'resourcequota-controller',
    alias: 'resourcequota',
    account: 'resourcequota-controller',
    start: ({ resources }, context) => startResourceQuotaController(resources, context),
  },
  {
    name: 'namespace-controller',
    alias: 'namespace',
    account: 'namespace-controller',
    rateFactor: { perSecond: 20, burst: 100 },
    start: ({ concurrency, resources }, context) =>
      startNamespaceController({ concurrency: concurrency.namespaces, resources }, context),
  },
  {
    name: 'garbage-collector-controller',
    alias: 'garbagecollector',
    account: 'generic-garbage-collector',
    rateFactor: { perSecond: 2 },
    start: ({ concurrency, resources }, context) =>
      startGarbageCollector({ concurrency: concurrency.garbage, resources }, context),
  },
];

/** All that kube-controller-manager has. */
export const managerControllers: ControllerSet<ManagerOptions> = { entries: controllers, notYet };

// What upstream's kubelet can be told and this one does not act on, by the field of the configuration and by the flag. What asks for
// safety, or for pods, nodes and data other than there would be, is refused: a kubelet that took it in silence would be less safe
// than its operator believes. All else is warned of, once each.
import type { RefusedFlag } from '@drydock/foundation/flags.ts';
import { ConfigError } from './config-error.ts';
import type { Fields } from './decode.ts';

interface Unserved {
  readonly field?: string;
  readonly flag?: string;
  /** Of the flag; a value unless said. */
  readonly bool?: boolean;
  /** Why it is refused; without one it is warned of. */
  readonly because?: string;
  /** Whether the value asks for what is so anyway. */
  readonly anyway?: (value: unknown) => boolean;
}

const is =
  (...values: unknown[]) =>
  (value: unknown): boolean =>
    values.includes(value);
const isEmpty = (value: unknown): boolean => value === '' || Object.keys(value ?? {}).length === 0;

const refused: readonly Unserved[] = [
  {
    field: 'rotateCertificates',
    flag: 'rotate-certificates',
    bool: true,
    because: 'certificates are not requested from the API server',
    anyway: is(false),
  },
  {
    field: 'serverTLSBootstrap',
    flag: 'rotate-server-certificates',
    bool: true,
    because: 'serving certificates are not requested from the API server',
    anyway: is(false),
  },
  {
    field: 'cgroupDriver',
    flag: 'cgroup-driver',
    because: 'cgroups are made through cgroupfs',
    anyway: is('cgroupfs', ''),
  },
  {
    field: 'cpuManagerPolicy',
    flag: 'cpu-manager-policy',
    because: 'no pod has processors of its own',
    anyway: is('none', ''),
  },
  {
    field: 'memoryManagerPolicy',
    flag: 'memory-manager-policy',
    because: 'no pod has memory of its own',
    anyway: is('None', ''),
  },
  {
    field: 'topologyManagerPolicy',
    flag: 'topology-manager-policy',
    because: 'resources are not aligned to NUMA nodes',
    anyway: is('none', ''),
  },
  { field: 'reservedSystemCPUs', flag: 'reserved-cpus', because: 'no processors are kept from pods', anyway: is('') },
  { field: 'reservedMemory', flag: 'reserved-memory', because: 'memory is not kept by NUMA node', anyway: isEmpty },
  { field: 'qosReserved', flag: 'qos-reserved', because: 'memory is not kept by class of pods', anyway: isEmpty },
  { field: 'memoryReservationPolicy', because: 'memory of pods is not protected', anyway: is('None', '') },
  {
    field: 'imagePullCredentialsVerificationPolicy',
    because: 'an image that is on the node may be used by every pod',
    anyway: is('NeverVerify'),
  },
  {
    field: 'preloadedImagesVerificationAllowlist',
    because: 'an image that is on the node may be used by every pod',
    anyway: isEmpty,
  },
  {
    field: 'imageServiceEndpoint',
    flag: 'image-service-endpoint',
    because: 'images are those of the container runtime endpoint',
    anyway: is(''),
  },
  { field: 'registerNode', flag: 'register-node', bool: true, because: 'the node is always registered', anyway: is(true) },
  {
    field: 'runOnce',
    flag: 'runonce',
    bool: true,
    because: 'Runonce mode has been deprecated and should not be set',
    anyway: is(false),
  },
  { flag: 'config-dir', because: 'drop-in configuration files are not read' },
  { flag: 'lock-file', because: 'no lock is taken' },
  {
    flag: 'exit-on-lock-contention',
    bool: true,
    because: 'no lock is taken',
    anyway: is(false),
  },
];

const warned: readonly Unserved[] = [
  { field: 'syncFrequency', flag: 'sync-frequency' },
  { field: 'readOnlyPort', flag: 'read-only-port', anyway: is(0) },
  { field: 'registryPullQPS', flag: 'registry-qps' },
  { field: 'registryBurst', flag: 'registry-burst' },
  { field: 'enableContentionProfiling', flag: 'contention-profiling', bool: true, anyway: is(false) },
  { field: 'oomScoreAdj', flag: 'oom-score-adj', anyway: is(0) },
  // Without effect in the original too, since the engine serves the streams.
  { field: 'streamingConnectionIdleTimeout', flag: 'streaming-connection-idle-timeout' },
  { field: 'nodeStatusReportFrequency', anyway: is('5m', '5m0s') },
  { field: 'imageMinimumGCAge', flag: 'minimum-image-ttl-duration' },
  { field: 'imageMaximumGCAge', anyway: is('0s', '0') },
  { field: 'imageGCHighThresholdPercent', flag: 'image-gc-high-threshold', anyway: is(100) },
  { field: 'imageGCLowThresholdPercent', flag: 'image-gc-low-threshold' },
  { field: 'volumeStatsAggPeriod', flag: 'volume-stats-agg-period' },
  { field: 'kubeletCgroups', flag: 'kubelet-cgroups', anyway: is('') },
  { field: 'systemCgroups', flag: 'system-cgroups', anyway: is('') },
  { field: 'cgroupsPerQOS', flag: 'cgroups-per-qos', bool: true, anyway: is(true) },
  { field: 'singleProcessOOMKill' },
  { field: 'cpuManagerPolicyOptions', flag: 'cpu-manager-policy-options', anyway: isEmpty },
  { field: 'cpuManagerReconcilePeriod', flag: 'cpu-manager-reconcile-period' },
  { field: 'topologyManagerScope', flag: 'topology-manager-scope', anyway: is('container', '') },
  { field: 'topologyManagerPolicyOptions', flag: 'topology-manager-policy-options', anyway: isEmpty },
  { field: 'runtimeRequestTimeout', flag: 'runtime-request-timeout', anyway: is('2m', '2m0s') },
  { field: 'hairpinMode', flag: 'hairpin-mode' },
  { field: 'podCIDR', flag: 'pod-cidr', anyway: is('') },
  { field: 'cpuCFSQuota', flag: 'cpu-cfs-quota', bool: true, anyway: is(true) },
  { field: 'cpuCFSQuotaPeriod', flag: 'cpu-cfs-quota-period', anyway: is('100ms') },
  { field: 'nodeStatusMaxImages', flag: 'node-status-max-images', anyway: is(50) },
  { field: 'maxOpenFiles', flag: 'max-open-files' },
  { field: 'contentType', flag: 'kube-api-content-type' },
  { field: 'serializeImagePulls', flag: 'serialize-image-pulls', bool: true, anyway: is(false) },
  { field: 'maxParallelImagePulls' },
  { field: 'evictionSoft', flag: 'eviction-soft', anyway: isEmpty },
  { field: 'evictionSoftGracePeriod', flag: 'eviction-soft-grace-period', anyway: isEmpty },
  { field: 'evictionMaxPodGracePeriod', flag: 'eviction-max-pod-grace-period', anyway: is(0) },
  { field: 'evictionMinimumReclaim', flag: 'eviction-minimum-reclaim', anyway: isEmpty },
  { field: 'enableControllerAttachDetach', flag: 'enable-controller-attach-detach', bool: true, anyway: is(true) },
  { field: 'makeIPTablesUtilChains', flag: 'make-iptables-util-chains', bool: true, anyway: is(false) },
  { field: 'iptablesMasqueradeBit' },
  { field: 'iptablesDropBit' },
  { field: 'memorySwap', anyway: (value) => isEmpty(value) || is('', 'NoSwap')((value as Fields).swapBehavior) },
  { field: 'containerLogMaxWorkers' },
  { field: 'containerLogMonitorInterval', anyway: is('10s') },
  { field: 'configMapAndSecretChangeDetectionStrategy', anyway: is('Watch') },
  { field: 'showHiddenMetricsForVersion', anyway: is('') },
  { field: 'systemReservedCgroup', flag: 'system-reserved-cgroup', anyway: is('') },
  { field: 'kubeReservedCgroup', flag: 'kube-reserved-cgroup', anyway: is('') },
  { field: 'volumePluginDir', flag: 'volume-plugin-dir', anyway: is('') },
  { field: 'providerID', flag: 'provider-id', anyway: is('') },
  { field: 'kernelMemcgNotification', flag: 'kernel-memcg-notification', bool: true, anyway: is(false) },
  { field: 'logging' },
  // Handlers that do not exist here.
  { field: 'enableSystemLogHandler', anyway: is(false) },
  { field: 'enableSystemLogQuery', anyway: is(false) },
  { field: 'enableProfilingHandler', anyway: is(false) },
  { field: 'enableDebugFlagsHandler', anyway: is(false) },
  { field: 'shutdownGracePeriod', anyway: is('0s', '0') },
  { field: 'shutdownGracePeriodCriticalPods', anyway: is('0s', '0') },
  { field: 'shutdownGracePeriodByPodPriority', anyway: isEmpty },
  { field: 'crashLoopBackOff', anyway: isEmpty },
  { field: 'memoryThrottlingFactor' },
  { field: 'tracing' },
  { field: 'localStorageCapacityIsolation', flag: 'local-storage-capacity-isolation', bool: true, anyway: is(false) },
  { field: 'userNamespaces', anyway: isEmpty },
  ...[
    'application-metrics-count-limit',
    'boot-id-file',
    'bootstrap-kubeconfig',
    'cloud-provider',
    'container-hints',
    'containerd',
    'containerd-namespace',
    'event-storage-age-limit',
    'event-storage-event-limit',
    'experimental-mounter-path',
    'global-housekeeping-interval',
    'housekeeping-interval',
    'image-credential-provider-bin-dir',
    'image-credential-provider-config',
    'log-flush-frequency',
    'log-json-info-buffer-size',
    'log-text-info-buffer-size',
    'logging-format',
    'machine-id-file',
    'max-housekeeping-interval',
    'maximum-dead-containers',
    'maximum-dead-containers-per-container',
    'minimum-container-ttl-duration',
    'runtime-cgroups',
    'storage-driver-buffer-duration',
    'storage-driver-db',
    'storage-driver-host',
    'storage-driver-password',
    'storage-driver-table',
    'storage-driver-user',
    'vmodule',
  ].map((flag) => ({ flag })),
  ...[
    'enable-load-reader',
    'experimental-allocatable-ignore-eviction',
    'log-cadvisor-usage',
    'log-json-split-stream',
    'log-text-split-stream',
    'storage-driver-secure',
  ].map((flag) => ({ flag, bool: true })),
];

export const ignoredFlags: Readonly<Record<string, 'value' | 'bool'>> = Object.fromEntries(
  warned.flatMap(({ flag, bool }) => (flag === undefined ? [] : [[flag, bool === true ? 'bool' : 'value'] as const])),
);

export const refusedFlags: Readonly<Record<string, RefusedFlag>> = Object.fromEntries(
  refused.flatMap(({ flag, bool = false, because = '', anyway }) => {
    if (flag === undefined) return [];
    const unless = (text: string) => anyway?.(bool ? /^(1|t|true)$/i.test(text) : text) === true;
    return [[flag, { takes: bool ? 'bool' : 'value', because, unless }] as const];
  }),
);

/** The fields without effect, for a warning each. Throws ConfigError for one that is refused. */
export function unservedFields(fields: Fields): string[] {
  const asks = ({ field = '', anyway }: Unserved) => fields[field] !== undefined && anyway?.(fields[field]) !== true;
  const first = refused.find(asks);
  if (first !== undefined) throw new ConfigError(`${first.field} is not served here: ${first.because}`);
  return warned.filter(asks).map(({ field = '' }) => field);
}

/** Every field that this table speaks of. */
export const unservedFieldNames: readonly string[] = [...refused, ...warned].flatMap(({ field }) => field ?? []);

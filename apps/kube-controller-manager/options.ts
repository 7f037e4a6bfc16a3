// From flags to what the controllers are told. Wrong values are named before anything starts.
import { readFileSync } from 'node:fs';
import type { Pod } from '@drydock/api/generated/types.ts';
import type { ManagerOptions } from '@drydock/controllers/controllers.ts';
import { parseCidr } from '@drydock/controllers/nodeipam/cidr.ts';
import { removeHostFiles } from '@drydock/controllers/persistentvolume/host-files.ts';
import type { Values } from '@drydock/foundation/flags.ts';
import { parseYaml } from '@drydock/foundation/lazy-yaml.ts';
import { StartupError } from '@drydock/foundation/program.ts';
import type { flags } from './flags.ts';

type FlagValues = Values<typeof flags>;

export function managerOptions(v: FlagValues, gates: ManagerOptions['gates']): Omit<ManagerOptions, 'resources'> {
  if (v['max-endpoints-per-slice'] < 1 || v['max-endpoints-per-slice'] > 1000) {
    throw new StartupError('--max-endpoints-per-slice: expected a number from 1 to 1000');
  }
  if (v['mirroring-max-endpoints-per-subset'] < 1 || v['mirroring-max-endpoints-per-subset'] > 1000) {
    throw new StartupError('--mirroring-max-endpoints-per-subset: expected a number from 1 to 1000');
  }
  return {
    gates,
    node: {
      periodMs: v['node-monitor-period'],
      gracePeriodMs: v['node-monitor-grace-period'],
      startupGracePeriodMs: v['node-startup-grace-period'],
      primary: v['node-eviction-rate'],
      secondary: v['secondary-node-eviction-rate'],
      unhealthyZoneThreshold: v['unhealthy-zone-threshold'],
      largeClusterNodes: v['large-cluster-size-threshold'],
    },
    network: v['allocate-node-cidrs'] ? clusterNetwork(v) : undefined,
    volumes: volumeOptions(v),
    detaching: { waitsForever: v['disable-force-detach-on-timeout'] },
    rootCa: v['root-ca-file'] === '' ? undefined : readText('root-ca-file', v['root-ca-file']),
    terminatedPodsMax: v['terminated-pod-gc-threshold'],
    maxEndpointsPerSlice: v['max-endpoints-per-slice'],
    endpointBatchMs: v['endpoint-updates-batch-period'],
    endpointSliceBatchMs: v['endpointslice-updates-batch-period'],
    mirroring: {
      concurrency: v['mirroring-concurrent-service-endpoint-syncs'],
      maxPerSubset: v['mirroring-max-endpoints-per-subset'],
      batchMs: v['mirroring-endpointslice-updates-batch-period'],
    },
    autoscaling: autoscalerSettings(v, gates),
    concurrency: {
      cronJobs: v['concurrent-cron-job-syncs'],
      daemonSets: v['concurrent-daemonset-syncs'],
      deployments: v['concurrent-deployment-syncs'],
      jobs: v['concurrent-job-syncs'],
      finishedJobs: v['concurrent-ttl-after-finished-syncs'],
      replicaSets: v['concurrent-replicaset-syncs'],
      replicationControllers: v['concurrent-rc-syncs'],
      statefulSets: v['concurrent-statefulset-syncs'],
      endpoints: v['concurrent-endpoint-syncs'],
      endpointSlices: v['concurrent-service-endpoint-syncs'],
      namespaces: v['concurrent-namespace-syncs'],
      ephemeralVolumes: v['concurrent-ephemeralvolume-syncs'],
      garbage: v['concurrent-gc-syncs'],
    },
  };
}

function autoscalerSettings(v: FlagValues, gates: ManagerOptions['gates']): ManagerOptions['autoscaling'] {
  return {
    concurrency: v['concurrent-horizontal-pod-autoscaler-syncs'],
    syncPeriodMs: v['horizontal-pod-autoscaler-sync-period'],
    downscaleStabilizationMs: v['horizontal-pod-autoscaler-downscale-stabilization'],
    tolerance: v['horizontal-pod-autoscaler-tolerance'],
    cpuInitializationMs: v['horizontal-pod-autoscaler-cpu-initialization-period'],
    initialReadinessMs: v['horizontal-pod-autoscaler-initial-readiness-delay'],
    scaleToZero: gates.enabled('HPAScaleToZero'),
    configurableTolerance: gates.enabled('HPAConfigurableTolerance'),
  };
}

function volumeOptions(v: FlagValues): ManagerOptions['volumes'] {
  return {
    periodMs: v['pvclaimbinder-sync-period'],
    provisions: v['enable-dynamic-provisioning'],
    recyclers: {
      hostPath: {
        minimumSeconds: v['pv-recycler-minimum-timeout-hostpath'],
        secondsPerGiB: v['pv-recycler-timeout-increment-hostpath'],
        template: recyclerTemplate('pv-recycler-pod-template-filepath-hostpath', v),
      },
      nfs: {
        minimumSeconds: v['pv-recycler-minimum-timeout-nfs'],
        secondsPerGiB: v['pv-recycler-increment-timeout-nfs'],
        template: recyclerTemplate('pv-recycler-pod-template-filepath-nfs', v),
      },
    },
    removeFiles: removeHostFiles,
  };
}

type TemplateFlag = 'pv-recycler-pod-template-filepath-hostpath' | 'pv-recycler-pod-template-filepath-nfs';

function recyclerTemplate(flag: TemplateFlag, v: FlagValues): Pod | undefined {
  const path = v[flag];
  if (path === '') return undefined;
  let pod: Pod | undefined;
  try {
    pod = parseYaml(readText(flag, path)) as Pod;
  } catch (error) {
    if (error instanceof StartupError) throw error;
    throw new StartupError(`--${flag}: ${path}: ${(error as Error).message}`);
  }
  if (pod?.kind !== 'Pod' || (pod.spec?.containers ?? []).length === 0)
    throw new StartupError(`--${flag}: ${path}: expected a Pod with a container`);
  if ((pod.spec?.volumes ?? []).length === 0) throw new StartupError(`--${flag}: ${path}: does not contain any volume(s)`);
  return pod;
}

function clusterNetwork(v: FlagValues): ManagerOptions['network'] {
  const clusterCidrs = v['cluster-cidr'];
  if (clusterCidrs.length === 0) throw new StartupError('--allocate-node-cidrs needs --cluster-cidr');
  for (const flag of ['cluster-cidr', 'service-cluster-ip-range'] as const) {
    for (const text of v[flag]) {
      if (parseCidr(text) === undefined)
        throw new StartupError(`--${flag}: ${JSON.stringify(text)}: expected a range such as 10.244.0.0/16`);
    }
  }
  const maskSizeIpv4 = v['node-cidr-mask-size'] === 24 ? v['node-cidr-mask-size-ipv4'] : v['node-cidr-mask-size'];
  for (const text of clusterCidrs) {
    const range = parseCidr(text);
    const mask = range?.bits === 32 ? maskSizeIpv4 : v['node-cidr-mask-size-ipv6'];
    if (range !== undefined && (mask < range.prefix || mask > range.bits)) {
      throw new StartupError(`--node-cidr-mask-size: ${mask} is not a part of --cluster-cidr ${text}`);
    }
  }
  return { clusterCidrs, maskSizeIpv4, maskSizeIpv6: v['node-cidr-mask-size-ipv6'], reserved: v['service-cluster-ip-range'] };
}

function readText(flag: string, file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new StartupError(`--${flag}: ${(error as Error).message}`);
  }
}

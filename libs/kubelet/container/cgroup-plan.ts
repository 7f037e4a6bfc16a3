// Which cgroups the node's pods have, and their values: pure (pkg/kubelet/cm: helpers_linux.go, qos_container_manager_linux.go,
// node_container_manager_linux.go). `kubepods` has what the node gives to pods; below it the guaranteed pods, and a group each
// for the others, so that who asked for nothing gets what is left over.
import type { Pod } from '@drydock/api/generated/types.ts';
import { qosClassOf } from '@drydock/api/pod-qos.ts';
import { amountsOf, podLimits, podRequests } from '@drydock/api/pod-resources.ts';
import { quotaOf, sharesMin, sharesOf } from './resources.ts';

export interface CgroupValues {
  /** As cgroup v1 has it: 1024 per processor, 2 at least. */
  readonly cpuShares: number;
  /** Microseconds of processor time in 100 ms. Undefined: no limit. */
  readonly cpuQuota: number | undefined;
  /** Undefined: no limit. */
  readonly memoryBytes: number | undefined;
  /** Processes and threads. Left out: as it is. */
  readonly pidsMax?: number | undefined;
}

/** What a node gives to its pods. */
export interface NodeShare {
  readonly cpuMilli: number;
  readonly memoryBytes: number;
}

export type QosFolder = '' | 'burstable' | 'besteffort';
export const qosFolders: readonly QosFolder[] = ['', 'burstable', 'besteffort'];

/** Below the kubelet's cgroup root. */
export const podsCgroup = '/kubepods';

export function qosCgroup(folder: QosFolder): string {
  return folder === '' ? podsCgroup : `${podsCgroup}/${folder}`;
}

export function qosFolderOf(pod: Pod): QosFolder {
  const qos = qosClassOf(pod);
  return qos === 'Guaranteed' ? '' : qos === 'Burstable' ? 'burstable' : 'besteffort';
}

/** `pod` and the pod's uid. */
export function podCgroup(pod: Pod): string {
  return `${qosCgroup(qosFolderOf(pod))}/pod${pod.metadata?.uid ?? ''}`;
}

/**
 * A pod's values: what it asks for with its init containers, sidecars, overhead and pod-level resources; a limit where every
 * container has one, or the pod itself.
 */
export function podValues(pod: Pod): CgroupValues {
  const spec = pod.spec ?? { containers: [] };
  const folder = qosFolderOf(pod);
  if (folder === 'besteffort') return { cpuShares: sharesMin, cpuQuota: undefined, memoryBytes: undefined };
  const limits = podLimits(spec);
  const containers = [...(spec.containers ?? []), ...(spec.initContainers ?? [])];
  const declared = (name: 'cpu' | 'memory'): number | undefined => {
    const amount = limits.get(name) ?? 0;
    const isGiven = (given: Readonly<Record<string, string>> | undefined) => (amountsOf(given).get(name) ?? 0) > 0;
    const byAll = containers.every(({ resources }) => isGiven(resources?.limits));
    const isLimited = folder === '' || byAll || isGiven(spec.resources?.limits);
    return isLimited && amount > 0 ? amount : undefined;
  };
  const cpu = declared('cpu');
  return {
    cpuShares: sharesOf(podRequests(spec).get('cpu') ?? 0),
    cpuQuota: cpu === undefined ? undefined : quotaOf(cpu),
    memoryBytes: declared('memory'),
  };
}

/** The values above the pods. `pods`: those that have not ended. `isEnforced`: together they get no more than the node gives. */
export function sharedValues(pods: readonly Pod[], node: NodeShare, isEnforced = true): Map<string, CgroupValues> {
  const burstable = pods.filter((pod) => qosFolderOf(pod) === 'burstable');
  const asked = burstable.reduce((sum, pod) => sum + (podRequests(pod.spec ?? { containers: [] }).get('cpu') ?? 0), 0);
  const none = { cpuQuota: undefined, memoryBytes: undefined };
  return new Map<string, CgroupValues>([
    [qosCgroup(''), { ...none, cpuShares: sharesOf(node.cpuMilli), memoryBytes: isEnforced ? node.memoryBytes : undefined }],
    [qosCgroup('burstable'), { ...none, cpuShares: sharesOf(asked) }],
    [qosCgroup('besteffort'), { ...none, cpuShares: sharesMin }],
  ]);
}

/** One control file and what it is to hold. */
export interface CgroupFile {
  /** The hierarchy of v1; v2 has but one. */
  readonly controller: 'cpu' | 'memory' | 'pids';
  readonly file: string;
  readonly text: string;
}

const periodUs = 100_000;
const weightMax = 10_000;
const sharesMax = 262_144;

/** From 2..262144 to 1..10000, as upstream's kubelet has it. */
export function weightOf(shares: number): number {
  return shares >= sharesMax ? weightMax : 1 + Math.floor(((shares - sharesMin) * (weightMax - 1)) / (sharesMax - sharesMin));
}

export function filesOf({ cpuShares, cpuQuota, memoryBytes, pidsMax }: CgroupValues, version: 1 | 2): CgroupFile[] {
  const pids: CgroupFile[] = pidsMax === undefined ? [] : [{ controller: 'pids', file: 'pids.max', text: `${pidsMax}` }];
  if (version === 2)
    return [
      ...pids,
      { controller: 'cpu', file: 'cpu.weight', text: `${weightOf(cpuShares)}` },
      { controller: 'cpu', file: 'cpu.max', text: `${cpuQuota ?? 'max'} ${periodUs}` },
      { controller: 'memory', file: 'memory.max', text: `${memoryBytes ?? 'max'}` },
    ];
  return [
    ...pids,
    { controller: 'cpu', file: 'cpu.shares', text: `${cpuShares}` },
    { controller: 'cpu', file: 'cpu.cfs_period_us', text: `${periodUs}` },
    { controller: 'cpu', file: 'cpu.cfs_quota_us', text: `${cpuQuota ?? -1}` },
    { controller: 'memory', file: 'memory.limit_in_bytes', text: `${memoryBytes ?? -1}` },
  ];
}

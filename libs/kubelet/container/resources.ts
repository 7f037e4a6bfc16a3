// Requests and limits as cgroup values (pkg/kubelet/cm/helpers_linux.go, pkg/kubelet/qos).
import type { Container, Pod } from '@drydock/api/generated/types.ts';
import { qosClassOf } from '@drydock/api/pod-qos.ts';
import { parseQuantity, scaledValue } from '@drydock/api/quantity.ts';
import type { LinuxResources } from '../engine/engine.ts';

const quotaPeriodUs = 100_000;
const quotaMinUs = 1000;
export const sharesMin = 2;
const sharesMax = 262_144;

export function milliCpu(text: string | undefined): number {
  return text === undefined ? 0 : Number(scaledValue(parseQuantity(text), -3));
}

export function wholeUnits(text: string | undefined): number {
  return text === undefined ? 0 : Number(scaledValue(parseQuantity(text), 0));
}

export function sharesOf(milli: number): number {
  return milli === 0 ? sharesMin : Math.min(sharesMax, Math.max(sharesMin, Math.floor((milli * 1024) / 1000)));
}

export function quotaOf(milli: number): number {
  return milli === 0 ? 0 : Math.max(quotaMinUs, Math.floor((milli * quotaPeriodUs) / 1000));
}

/** -997 for Guaranteed, 1000 for BestEffort, between them by the share of memory that is asked for. */
export function oomScoreAdj(pod: Pod, container: Container, memoryCapacity: number): number {
  const priority = pod.spec?.priority ?? 0;
  if (priority >= 2_000_000_000) return -997;
  const qos = qosClassOf(pod);
  if (qos === 'Guaranteed') return -997;
  if (qos === 'BestEffort') return 1000;
  const request = wholeUnits(container.resources?.requests?.memory);
  const adjust = 1000 - Math.floor((1000 * request) / memoryCapacity);
  return Math.min(999, Math.max(1000 - 997, adjust));
}

export function linuxResources(pod: Pod, container: Container, memoryCapacity: number): LinuxResources {
  const { requests, limits } = container.resources ?? {};
  const cpuLimit = milliCpu(limits?.cpu);
  const cpuRequest = requests?.cpu === undefined && limits?.cpu !== undefined ? cpuLimit : milliCpu(requests?.cpu);
  return {
    cpu_period: quotaPeriodUs,
    cpu_quota: quotaOf(cpuLimit),
    cpu_shares: sharesOf(cpuRequest),
    memory_limit_in_bytes: wholeUnits(limits?.memory),
    oom_score_adj: oomScoreAdj(pod, container, memoryCapacity),
  };
}

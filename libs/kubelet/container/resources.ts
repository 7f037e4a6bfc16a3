// Requests and limits as cgroup values (pkg/kubelet/cm/helpers_linux.go, pkg/kubelet/qos).
import type { Container, Pod } from '@drydock/api/generated/types.ts';
import { qosClassOf } from '@drydock/api/pod-qos.ts';
import { podLimits, podRequests } from '@drydock/api/pod-resources.ts';
import { parseQuantity, scaledValue } from '@drydock/api/quantity.ts';
import type { LinuxResources, SandboxConfig } from '../engine/engine.ts';
import { isCritical } from '../pod/observation.ts';

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

/** What the kernel kills last; of containers only those that the node itself cannot do without, and guaranteed ones. */
const lastToBeKilled = -997;
const firstToBeKilled = 1000;

/** types.IsNodeCriticalPod: by its class; a priority that is as high makes a pod critical, but not to the node. */
function isNodeCritical(pod: Pod): boolean {
  return isCritical(pod) && pod.spec?.priorityClassName === 'system-node-critical';
}

/** From -997 to 1000; between them by the share of memory that is asked for (pkg/kubelet/qos, GetContainerOOMScoreAdjust). */
export function oomScoreAdj(pod: Pod, container: Container, memoryCapacity: number): number {
  if (isNodeCritical(pod)) return lastToBeKilled;
  const qos = qosClassOf(pod);
  if (qos === 'Guaranteed') return lastToBeKilled;
  if (qos === 'BestEffort') return firstToBeKilled;
  const scoreOf = (each: Container) =>
    firstToBeKilled - Math.floor((1000 * wholeUnits(each.resources?.requests?.memory)) / memoryCapacity);
  // A sidecar ends after what it serves: never before the least of those.
  const isSidecar =
    container.restartPolicy === 'Always' && pod.spec?.initContainers?.some(({ name }) => name === container.name);
  const least = isSidecar === true ? (pod.spec?.containers ?? []).map(scoreOf) : [];
  return Math.min(firstToBeKilled - 1, Math.max(firstToBeKilled + lastToBeKilled, Math.min(scoreOf(container), ...least)));
}

export function linuxResources(pod: Pod, container: Container, memoryCapacity: number): LinuxResources {
  const { requests, limits } = container.resources ?? {};
  const cpuLimit = milliCpu(limits?.cpu);
  const cpuRequest = requests?.cpu === undefined && limits?.cpu !== undefined ? cpuLimit : milliCpu(requests?.cpu);
  return {
    ...cgroupValues(cpuRequest, cpuLimit, wholeUnits(limits?.memory)),
    oom_score_adj: oomScoreAdj(pod, container, memoryCapacity),
  };
}

type SandboxResources = Pick<SandboxConfig['linux'], 'resources' | 'overhead'>;

/** What a pod's sandbox is told of its containers together, and of what it takes itself (kuberuntime_sandbox_linux.go). */
export function sandboxResources(pod: Pod): SandboxResources {
  const spec = { ...pod.spec, containers: pod.spec?.containers ?? [], overhead: undefined };
  const [requests, limits] = [podRequests(spec), podLimits(spec)];
  const cpuLimit = limits.get('cpu') ?? 0;
  const resources = cgroupValues(requests.get('cpu') ?? cpuLimit, cpuLimit, limits.get('memory') ?? 0);
  const own = pod.spec?.overhead;
  if (own === undefined) return { resources };
  const cpu = milliCpu(own.cpu);
  return { resources, overhead: cgroupValues(cpu, cpu, wholeUnits(own.memory)) };
}

function cgroupValues(cpuRequest: number, cpuLimit: number, memoryBytes: number): SandboxResources['resources'] {
  return {
    cpu_period: quotaPeriodUs,
    cpu_quota: quotaOf(cpuLimit),
    cpu_shares: sharesOf(cpuRequest),
    memory_limit_in_bytes: memoryBytes,
  };
}

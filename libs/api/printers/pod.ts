// The row of a pod: what its containers are doing in one word (pkg/printers/internalversion, printPod).
import type { ContainerStatus, Pod, PodCondition } from '../generated/types.ts';
import { ageOf } from '../human-duration.ts';
import { type Cell, createdAge, nameOf, none, printer } from './cells.ts';

interface Summary {
  reason: string;
  restarts: number;
  ready: number;
  total: number;
  /** Milliseconds; of the last container that ended before. */
  lastRestartMs: number;
}

export const podPrinters = [printer<Pod>('/Pod', printPod)];

function printPod(pod: Pod, nowMs: number): Cell[] {
  const summary = summarize(pod);
  const restarted = summary.restarts !== 0 && summary.lastRestartMs > 0;
  const ago = restarted ? ` (${ageOf(new Date(summary.lastRestartMs).toISOString(), nowMs)} ago)` : '';
  return [
    nameOf(pod),
    `${summary.ready}/${summary.total}`,
    summary.reason,
    `${summary.restarts}${ago}`,
    createdAge(pod, nowMs),
    pod.status?.podIPs?.[0]?.ip || pod.status?.podIP || none,
    pod.spec?.nodeName || none,
    pod.status?.nominatedNodeName || none,
    readinessGates(pod),
  ];
}

function summarize(pod: Pod): Summary {
  const status = pod.status ?? {};
  const summary: Summary = {
    reason: status.reason || status.phase || '',
    restarts: 0,
    ready: 0,
    total: pod.spec?.containers.length ?? 0,
    lastRestartMs: 0,
  };
  const scheduled = condition(pod, 'PodScheduled');
  if (scheduled?.reason === 'SchedulingGated') summary.reason = 'SchedulingGated';
  const sidecarRestarts = { count: 0, lastMs: 0 };
  const initializing = readInitContainers(pod, summary, sidecarRestarts);
  if (!initializing || condition(pod, 'Initialized')?.status === 'True') {
    summary.restarts = sidecarRestarts.count;
    summary.lastRestartMs = sidecarRestarts.lastMs;
    readContainers(pod, summary);
  }
  if (pod.metadata?.deletionTimestamp !== undefined) {
    const ended = status.phase === 'Failed' || status.phase === 'Succeeded';
    if (status.reason === 'NodeLost') summary.reason = 'Unknown';
    else if (!ended) summary.reason = 'Terminating';
  }
  return summary;
}

/** Whether an init container is still to be waited for; its state is the pod's then. */
function readInitContainers(pod: Pod, summary: Summary, sidecars: { count: number; lastMs: number }): boolean {
  const containers = pod.spec?.initContainers ?? [];
  const restartable = new Set(containers.filter((c) => c.restartPolicy === 'Always').map((c) => c.name));
  summary.total += restartable.size;
  const statuses = pod.status?.initContainerStatuses ?? [];
  for (const [index, status] of statuses.entries()) {
    summary.restarts += status.restartCount;
    summary.lastRestartMs = Math.max(summary.lastRestartMs, lastEndMs(status));
    if (restartable.has(status.name)) {
      sidecars.count += status.restartCount;
      sidecars.lastMs = Math.max(sidecars.lastMs, lastEndMs(status));
    }
    const { terminated, waiting } = status.state ?? {};
    if (terminated?.exitCode === 0) continue;
    if (restartable.has(status.name) && status.started === true) {
      if (status.ready) summary.ready += 1;
      continue;
    }
    if (terminated !== undefined) summary.reason = `Init:${endReason(terminated)}`;
    else if (waiting?.reason && waiting.reason !== 'PodInitializing') summary.reason = `Init:${waiting.reason}`;
    else summary.reason = `Init:${index}/${containers.length}`;
    return true;
  }
  return false;
}

function readContainers(pod: Pod, summary: Summary): void {
  let running = false;
  for (const status of [...(pod.status?.containerStatuses ?? [])].reverse()) {
    summary.restarts += status.restartCount;
    summary.lastRestartMs = Math.max(summary.lastRestartMs, lastEndMs(status));
    const { terminated, waiting } = status.state ?? {};
    if (waiting?.reason) summary.reason = waiting.reason;
    else if (terminated !== undefined) summary.reason = endReason(terminated);
    else if (status.ready && status.state?.running !== undefined) {
      running = true;
      summary.ready += 1;
    }
  }
  if (summary.reason !== 'Completed' || !running) return;
  summary.reason = condition(pod, 'Ready')?.status === 'True' ? 'Running' : 'NotReady';
}

function endReason(terminated: { reason?: string | undefined; signal?: number | undefined; exitCode: number }): string {
  if (terminated.reason) return terminated.reason;
  return terminated.signal ? `Signal:${terminated.signal}` : `ExitCode:${terminated.exitCode}`;
}

function lastEndMs(status: ContainerStatus): number {
  const at = status.lastState?.terminated?.finishedAt;
  return at === undefined ? 0 : Date.parse(at);
}

function condition(pod: Pod, type: string): PodCondition | undefined {
  return pod.status?.conditions?.find((candidate) => candidate.type === type);
}

function readinessGates(pod: Pod): string {
  const gates = pod.spec?.readinessGates ?? [];
  if (gates.length === 0) return none;
  const met = gates.filter((gate) => condition(pod, gate.conditionType)?.status === 'True').length;
  return `${met}/${gates.length}`;
}

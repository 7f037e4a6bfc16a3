// /metrics/resource: what the node, its pods and their containers use, for whoever measures pods (pkg/kubelet/metrics/collectors:
// resource_metrics.go). Of pods: the sum of their containers, for the sandbox counts nothing.
import { parseTime } from '@drydock/foundation/clock.ts';
import type { ContainerUsage } from '../engine/engine.ts';
import { podKey, uidOf } from '../pod/observation.ts';
import { family, type Sample } from './metric-family.ts';
import type { ServerPorts } from './servers.ts';

/** What the machine uses. */
export interface NodeUsage {
  /** Of all processors, since it was started. */
  readonly cpuSeconds: number;
  readonly workingSetBytes: number;
}

export async function resourceMetrics({ engine, kubelet, clock, nodeUsage }: ServerPorts): Promise<string> {
  const usage = await engine.usage().catch(() => undefined);
  const node = nodeUsage?.();
  const nowMs = clock.wallMs();
  const ofNode = (value: number | undefined): Sample[] => (value === undefined ? [] : [{ labels: '', value, atMs: nowMs }]);
  const containers: { labels: string; own: ContainerUsage; startedMs: number | undefined }[] = [];
  const pods: { labels: string; own: ContainerUsage[] }[] = [];
  for (const pod of kubelet.manager.all()) {
    const { namespace, name } = podKey(pod);
    const statuses = [...(pod.status?.initContainerStatuses ?? []), ...(pod.status?.containerStatuses ?? [])];
    const running = new Map(
      statuses.flatMap(({ name: container, state }) => (state?.running ? [[container, state.running]] : [])),
    );
    const own = (usage ?? []).filter((each) => each.podUid === uidOf(pod) && running.has(each.name));
    const where = `namespace=${JSON.stringify(namespace)},pod=${JSON.stringify(name)}`;
    for (const each of own)
      containers.push({
        labels: `{container=${JSON.stringify(each.name)},${where}}`,
        own: each,
        startedMs: parseTime(running.get(each.name)?.startedAt),
      });
    if (own.length > 0) pods.push({ labels: `{${where}}`, own });
  }
  const sum = (own: readonly ContainerUsage[], of: (each: ContainerUsage) => number) =>
    own.reduce((total, each) => total + of(each), 0);
  const latest = (own: readonly ContainerUsage[]) => Math.max(...own.map(({ timestampMs }) => timestampMs));
  const seconds = (each: ContainerUsage) => each.cpuNanoseconds / 1e9;
  const bytes = (each: ContainerUsage) => each.memoryBytes;
  const ofContainers = (of: (each: ContainerUsage) => number): Sample[] =>
    containers.map(({ labels, own }) => ({ labels, value: of(own), atMs: own.timestampMs }));
  const ofPods = (of: (each: ContainerUsage) => number): Sample[] =>
    pods.map(({ labels, own }) => ({ labels, value: sum(own, of), atMs: latest(own) }));
  const started = containers.flatMap(({ labels, startedMs }) =>
    startedMs === undefined ? [] : [{ labels, value: startedMs / 1000 }],
  );
  return [
    stable(
      'container_cpu_usage_seconds_total',
      'counter',
      'Cumulative cpu time consumed by the container in core-seconds',
      ofContainers(seconds),
    ),
    stable('container_memory_working_set_bytes', 'gauge', 'Current working set of the container in bytes', ofContainers(bytes)),
    stable('container_start_time_seconds', 'gauge', 'Start time of the container since unix epoch in seconds', started),
    stable(
      'node_cpu_usage_seconds_total',
      'counter',
      'Cumulative cpu time consumed by the node in core-seconds',
      ofNode(node?.cpuSeconds),
    ),
    stable('node_memory_working_set_bytes', 'gauge', 'Current working set of the node in bytes', ofNode(node?.workingSetBytes)),
    stable(
      'pod_cpu_usage_seconds_total',
      'counter',
      'Cumulative cpu time consumed by the pod in core-seconds',
      ofPods(seconds),
    ),
    stable('pod_memory_working_set_bytes', 'gauge', 'Current working set of the pod in bytes', ofPods(bytes)),
    stable('resource_scrape_error', 'gauge', '1 if there was an error while getting container metrics, 0 otherwise', [
      { labels: '', value: usage === undefined ? 1 : 0 },
    ]),
  ].join('');
}

function stable(name: string, type: string, help: string, samples: readonly Sample[]): string {
  return family(name, type, `[STABLE] ${help}`, samples);
}

import type { Pod } from '@drydock/api/generated/types.ts';
import { expect, test } from 'vitest';
import type { ContainerUsage } from '../engine/engine.ts';
import { resourceMetrics } from './resource-metrics.ts';
import type { ServerPorts } from './servers.ts';

const pod = (name: string, containers: Record<string, string | undefined>): Pod =>
  ({
    metadata: { namespace: 'default', name, uid: `uid-${name}` },
    status: {
      containerStatuses: Object.entries(containers).map(([container, startedAt]) => ({
        name: container,
        state: startedAt === undefined ? { waiting: {} } : { running: { startedAt } },
      })),
    },
  }) as unknown as Pod;

const usage = (podName: string, name: string, cpuNanoseconds: number, memoryBytes: number): ContainerUsage => ({
  id: `${podName}-${name}`,
  name,
  podUid: `uid-${podName}`,
  timestampMs: 1_700_000_000_123,
  cpuNanoseconds,
  memoryBytes,
  writableBytes: 0,
});

function text(pods: Pod[], used: () => Promise<ContainerUsage[]>): Promise<string> {
  return resourceMetrics({
    engine: { usage: used },
    kubelet: { manager: { all: () => pods } },
    clock: { wallMs: () => 1_700_000_001_000 },
    nodeUsage: () => ({ cpuSeconds: 12.5, workingSetBytes: 4096 }),
  } as unknown as ServerPorts);
}

test('containers that run, their pods, and the node', async () => {
  const pods = [pod('web', { c: '2023-11-14T22:13:00Z', side: '2023-11-14T22:13:10Z', late: undefined })];
  const used = [usage('web', 'c', 1_500_000_000, 100), usage('web', 'side', 500_000_000, 20), usage('web', 'late', 9, 9)];
  const lines = (await text(pods, async () => [...used, usage('gone', 'x', 1, 1)])).split('\n');
  expect(lines.filter((line) => !line.startsWith('#') && line !== '')).toEqual([
    'container_cpu_usage_seconds_total{container="c",namespace="default",pod="web"} 1.5 1700000000123',
    'container_cpu_usage_seconds_total{container="side",namespace="default",pod="web"} 0.5 1700000000123',
    'container_memory_working_set_bytes{container="c",namespace="default",pod="web"} 100 1700000000123',
    'container_memory_working_set_bytes{container="side",namespace="default",pod="web"} 20 1700000000123',
    'container_start_time_seconds{container="c",namespace="default",pod="web"} 1699999980',
    'container_start_time_seconds{container="side",namespace="default",pod="web"} 1699999990',
    'node_cpu_usage_seconds_total 12.5 1700000001000',
    'node_memory_working_set_bytes 4096 1700000001000',
    'pod_cpu_usage_seconds_total{namespace="default",pod="web"} 2 1700000000123',
    'pod_memory_working_set_bytes{namespace="default",pod="web"} 120 1700000000123',
    'resource_scrape_error 0',
  ]);
});

test('an engine that does not answer is said, and takes nothing else with it', async () => {
  const answer = await text([pod('web', { c: '2023-11-14T22:13:00Z' })], () => Promise.reject(new Error('gone')));
  expect(answer).toContain('resource_scrape_error 1\n');
  expect(answer).toContain('node_cpu_usage_seconds_total 12.5');
  expect(answer).not.toContain('container_cpu');
});

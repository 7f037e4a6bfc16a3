// Usage as the objects of metrics.k8s.io (metrics-server: pkg/storage, pkg/api). Pure.
import type { ObjectMeta } from '@drydock/api/generated/types.ts';
import { Quantity } from '@drydock/api/quantity.ts';
import { formatTime } from '@drydock/foundation/clock.ts';
import { formatDuration } from '@drydock/foundation/duration.ts';
import type { Usage } from './points.ts';
import { groupVersion, type NodeMetrics, nodeMetrics, type PodMetrics, podMetrics, type ResourceUsage } from './resources.ts';
import type { PodUsage } from './storage.ts';

export const nanoScale = -9;

/** @param nowMs when it is asked for: such objects are made then. */
export function nodeObject(metadata: ObjectMeta | undefined, usage: Usage, nowMs: number): NodeMetrics {
  return {
    kind: nodeMetrics.kind,
    apiVersion: groupVersion,
    metadata: metadataOf(metadata, nowMs),
    timestamp: formatTime(usage.atMs),
    window: formatDuration(usage.windowMs),
    usage: usageOf(usage),
  };
}

export function podObject(
  metadata: ObjectMeta | undefined,
  { atMs, windowMs, containers }: PodUsage,
  nowMs: number,
): PodMetrics {
  return {
    kind: podMetrics.kind,
    apiVersion: groupVersion,
    metadata: metadataOf(metadata, nowMs),
    timestamp: formatTime(atMs),
    window: formatDuration(windowMs),
    containers: containers.map(({ name, usage }) => ({ name, usage: usageOf(usage) })),
  };
}

function metadataOf({ name, namespace, labels }: ObjectMeta = {}, nowMs: number): ObjectMeta {
  return {
    name,
    ...(namespace === undefined ? {} : { namespace }),
    creationTimestamp: formatTime(nowMs),
    ...(labels === undefined || Object.keys(labels).length === 0 ? {} : { labels }),
  };
}

function usageOf({ cpuNanocores, workingSetBytes }: Usage): ResourceUsage {
  return {
    cpu: new Quantity(cpuNanocores, nanoScale, 'DecimalSI').toString(),
    memory: new Quantity(workingSetBytes, 0, 'BinarySI').toString(),
  };
}

// What is served: the two resources of metrics.k8s.io/v1beta1, and their objects.
import type { ObjectMeta } from '@drydock/api/generated/types.ts';
import type { Resource } from '@drydock/api/resource.ts';

/** Amounts are quantities, as text. */
export interface ResourceUsage {
  readonly cpu: string;
  readonly memory: string;
}

interface Measured {
  readonly kind: string;
  readonly apiVersion: string;
  readonly metadata: ObjectMeta;
  /** Of the later point. */
  readonly timestamp: string;
  /** How long before that the earlier one was taken; a Go duration. */
  readonly window: string;
}

export interface NodeMetrics extends Measured {
  readonly usage: ResourceUsage;
}

export interface PodMetrics extends Measured {
  readonly containers: readonly { readonly name: string; readonly usage: ResourceUsage }[];
}

export const group = 'metrics.k8s.io';
export const version = 'v1beta1';
export const groupVersion = `${group}/${version}`;

export const nodeMetrics: Resource = { group, version, resource: 'nodes', kind: 'NodeMetrics', namespaced: false };
export const podMetrics: Resource = { group, version, resource: 'pods', kind: 'PodMetrics', namespaced: true };
export const resources: readonly Resource[] = [nodeMetrics, podMetrics];

/** What may be done to them. */
export const verbs: readonly string[] = ['get', 'list'];

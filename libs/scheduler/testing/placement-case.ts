// A cluster and a pod that is to be placed in it, with short spellings of both.
import type { Node, Pod, PodAffinityTerm, TopologySpreadConstraint } from '@drydock/api/generated/types.ts';
import type { KubeObject } from '@drydock/api/resource.ts';
import { node, pod } from '../testing.ts';

/** Any object, with the fields of its kind. */
export type AnyObject = KubeObject & Readonly<Record<string, unknown>>;

export interface PlacementCase {
  readonly nodes: readonly Node[];
  /** With a node each. */
  readonly placed: readonly Pod[];
  /** Other objects, which the pods do not need but the scheduler looks at. */
  readonly objects: readonly AnyObject[];
  readonly pod: Pod;
}

/** What became of the pod. */
export interface Outcome {
  readonly node?: string;
  readonly message?: string;
  readonly nominated?: string;
  readonly victims?: readonly string[];
}

export const zone = 'topology.kubernetes.io/zone';
export const host = 'kubernetes.io/hostname';

export interface More {
  readonly labels?: Record<string, string>;
  readonly namespace?: string;
  readonly on?: string;
  readonly priority?: number;
  readonly cpu?: string;
  readonly spec?: Partial<Pod['spec']>;
  readonly claims?: readonly string[];
}

export function labelled(
  name: string,
  { labels, namespace = 'default', on, priority, cpu, spec, claims = [] }: More = {},
): Pod {
  const volumes = claims.map((claimName) => ({ name: claimName, persistentVolumeClaim: { claimName } }));
  const made = pod(name, {
    ...(cpu === undefined ? {} : { cpu }),
    spec: {
      ...(on === undefined ? {} : { nodeName: on }),
      ...(priority === undefined ? {} : { priority }),
      ...(volumes.length === 0 ? {} : { volumes }),
      ...spec,
    },
  });
  return { ...made, metadata: { ...made.metadata, namespace, labels: labels ?? {} } };
}

export const zones = (...names: string[]): Node[] => names.map((each, i) => node(`n${i + 1}`, { labels: { [zone]: each } }));
export const term = (app: string, topologyKey = zone, more: Partial<PodAffinityTerm> = {}): PodAffinityTerm => ({
  topologyKey,
  labelSelector: { matchLabels: { app } },
  ...more,
});
export const near = (...terms: PodAffinityTerm[]) => ({
  affinity: { podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: terms } },
});
export const apart = (...terms: PodAffinityTerm[]) => ({
  affinity: { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: terms } },
});
export const preferNear = (weight: number, podAffinityTerm: PodAffinityTerm) => ({
  affinity: { podAffinity: { preferredDuringSchedulingIgnoredDuringExecution: [{ weight, podAffinityTerm }] } },
});
export const preferApart = (weight: number, podAffinityTerm: PodAffinityTerm) => ({
  affinity: { podAntiAffinity: { preferredDuringSchedulingIgnoredDuringExecution: [{ weight, podAffinityTerm }] } },
});
export const spread = (more: Partial<TopologySpreadConstraint> = {}) => ({
  topologySpreadConstraints: [
    {
      maxSkew: 1,
      topologyKey: zone,
      whenUnsatisfiable: 'DoNotSchedule',
      labelSelector: { matchLabels: { app: 'a' } },
      ...more,
    },
  ],
});
export const namespace = (name: string, labels: Record<string, string>): AnyObject => ({
  apiVersion: 'v1',
  kind: 'Namespace',
  metadata: { name, labels },
});
export const a = { app: 'a' };
export const b = { app: 'b' };

export function given(nodes: readonly Node[], placed: readonly Pod[], incoming: Pod, ...objects: AnyObject[]): PlacementCase {
  return { nodes, placed, pod: incoming, objects };
}

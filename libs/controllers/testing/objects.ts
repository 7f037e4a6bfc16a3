// Objects for tests, with what every stored object has.
import type { Deployment, ObjectMeta, Pod, ReplicaSet, Service } from '@drydock/api/generated/types.ts';
import { deployments, replicaSets } from '@drydock/api/resource.ts';
import { formatTime } from '@drydock/foundation/clock.ts';
import { controllerReference } from '../common/action.ts';

/** 2026-01-01T00:00:00Z */
export const epochMs = 1_767_225_600_000;

export function meta(name: string, extra: ObjectMeta = {}): ObjectMeta {
  return {
    name,
    namespace: 'default',
    uid: `uid-${name}`,
    resourceVersion: '1',
    generation: 1,
    creationTimestamp: formatTime(epochMs),
    ...extra,
  };
}

const labels = { app: 'web' };

export function deployment(spec: Partial<Deployment['spec']> = {}, extra: Partial<Deployment> = {}): Deployment {
  return {
    metadata: meta('web'),
    spec: {
      replicas: 4,
      selector: { matchLabels: labels },
      strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: '25%', maxUnavailable: '25%' } },
      revisionHistoryLimit: 10,
      progressDeadlineSeconds: 600,
      template: { metadata: { labels }, spec: { containers: [{ name: 'c', image: 'web:2' }] } },
      ...spec,
    },
    ...extra,
  };
}

export interface ReplicaSetOptions {
  readonly image?: string;
  readonly replicas: number;
  /** Default: as many as `replicas`. */
  readonly available?: number;
  readonly revision?: number;
  readonly desired?: number;
  readonly max?: number;
  readonly owner?: Deployment | undefined;
  readonly ageS?: number;
}

/** A ReplicaSet of `deployment()`; the image tells its template apart. */
export function replicaSet(name: string, options: ReplicaSetOptions): ReplicaSet {
  const { replicas, available = replicas, image = 'web:2', revision = 1, desired = 4, max = 5, ageS = 100 } = options;
  const owner = 'owner' in options ? options.owner : deployment();
  const hashed = { ...labels, 'pod-template-hash': name };
  return {
    metadata: meta(name, {
      labels: hashed,
      creationTimestamp: formatTime(epochMs - ageS * 1000),
      annotations: {
        'deployment.kubernetes.io/revision': String(revision),
        'deployment.kubernetes.io/desired-replicas': String(desired),
        'deployment.kubernetes.io/max-replicas': String(max),
      },
      ...(owner === undefined ? {} : { ownerReferences: [controllerReference(deployments, owner)] }),
    }),
    spec: {
      replicas,
      selector: { matchLabels: hashed },
      template: { metadata: { labels: hashed }, spec: { containers: [{ name: 'c', image }] } },
    },
    status: { replicas, readyReplicas: available, availableReplicas: available, observedGeneration: 1 },
  };
}

export interface PodOptions {
  readonly node?: string;
  readonly phase?: string;
  readonly ready?: boolean;
  readonly readyAgeS?: number;
  readonly ip?: string;
  readonly owner?: ReplicaSet | undefined;
  readonly labels?: Record<string, string>;
  readonly deleting?: boolean;
  readonly restarts?: number;
  readonly ageS?: number;
  readonly annotations?: Record<string, string>;
}

export function pod(name: string, options: PodOptions = {}): Pod {
  const { ready = true, readyAgeS = 50, ageS = 60, node = 'n1', owner } = options;
  return {
    metadata: meta(name, {
      labels: options.labels ?? labels,
      creationTimestamp: formatTime(epochMs - ageS * 1000),
      ...(options.annotations === undefined ? {} : { annotations: options.annotations }),
      ...(owner === undefined ? {} : { ownerReferences: [controllerReference(replicaSets, owner)] }),
      ...(options.deleting === true ? { deletionTimestamp: formatTime(epochMs) } : {}),
    }),
    spec: { nodeName: node, containers: [{ name: 'c', image: 'web:2' }] },
    status: {
      phase: options.phase ?? 'Running',
      ...(options.ip === undefined ? {} : { podIP: options.ip, podIPs: [{ ip: options.ip }] }),
      conditions: [
        { type: 'Ready', status: ready ? 'True' : 'False', lastTransitionTime: formatTime(epochMs - readyAgeS * 1000) },
      ],
      containerStatuses: [{ name: 'c', image: '', imageID: '', ready, restartCount: options.restarts ?? 0 }],
    },
  };
}

export function service(spec: Partial<Service['spec']> = {}): Service {
  return {
    metadata: meta('web', { labels: { tier: 'front' } }),
    spec: {
      clusterIP: '10.0.0.1',
      ipFamilies: ['IPv4'],
      selector: labels,
      ports: [{ name: 'http', port: 80, targetPort: 8080 }],
      ...spec,
    },
  };
}

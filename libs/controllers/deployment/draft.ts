// The working copy of one planning round: edits to ReplicaSets are collected, so that each is written at most once.
import type { Deployment, DeploymentStatus, ReplicaSet } from '@drydock/api/generated/types.ts';
import { deployments, replicaSets } from '@drydock/api/resource.ts';
import { type Action, eventAbout } from '../common/action.ts';
import { semanticEqual } from '../common/equality.ts';
import { isBeingDeleted, nameOf, sum } from '../common/object-meta.ts';
import { desiredReplicasAnnotation, maxReplicasAnnotation, revisionAnnotation, withSizes } from './annotations.ts';
import { maxSurge, wantedReplicas } from './limits.ts';

export function sizeOf(rs: ReplicaSet): number {
  return rs.spec?.replicas ?? 1;
}

export function availableOf(rs: ReplicaSet): number {
  return rs.status?.availableReplicas ?? 0;
}

/** The ReplicaSets that want pods. */
export function active(list: readonly ReplicaSet[]): ReplicaSet[] {
  return list.filter((rs) => sizeOf(rs) > 0);
}

/** Collects what changes. ReplicaSets in it are private copies and are edited in place. */
export class Draft {
  readonly deployment: Deployment;
  readonly nowMs: number;
  readonly wanted: number;
  readonly surge: number;
  /** The ReplicaSet of the present template. */
  newRs: ReplicaSet | undefined;
  oldRs: ReplicaSet[];
  status: DeploymentStatus;
  revision: string | undefined;
  readonly #observed = new Map<ReplicaSet, ReplicaSet>();
  readonly #writes: Action[] = [];
  readonly #events: Action[] = [];

  constructor(deployment: Deployment, newRs: ReplicaSet | undefined, oldRs: readonly ReplicaSet[], nowMs: number) {
    this.deployment = deployment;
    this.nowMs = nowMs;
    this.wanted = wantedReplicas(deployment);
    this.surge = maxSurge(deployment);
    this.newRs = newRs === undefined ? undefined : this.#copy(newRs);
    this.oldRs = oldRs.map((rs) => this.#copy(rs));
    this.status = structuredClone(deployment.status ?? {});
    this.revision = deployment.metadata?.annotations?.[revisionAnnotation];
  }

  #copy(rs: ReplicaSet): ReplicaSet {
    const copy: ReplicaSet = {
      ...rs,
      metadata: { ...rs.metadata, annotations: { ...rs.metadata?.annotations } },
      spec: { ...rs.spec, selector: rs.spec?.selector ?? {} },
    };
    this.#observed.set(copy, rs);
    return copy;
  }

  all(): ReplicaSet[] {
    return this.newRs === undefined ? this.oldRs : [...this.oldRs, this.newRs];
  }

  totalSize(): number {
    return sum(this.all(), sizeOf);
  }

  /** A ReplicaSet that does not exist yet, and what is said when it does. */
  create(rs: ReplicaSet): void {
    this.newRs = rs;
    this.#writes.push({ verb: 'create', resource: replicaSets, object: rs });
    if (sizeOf(rs) > 0) this.#say(`Scaled up replica set ${nameOf(rs)} from 0 to ${sizeOf(rs)}`);
  }

  /** Sets size and size annotations; true where the size changed. Nothing happens to one that is being deleted. */
  scale(rs: ReplicaSet, size: number): boolean {
    const before = sizeOf(rs);
    const max = this.wanted + this.surge;
    const annotations = rs.metadata?.annotations ?? {};
    const noted =
      annotations[desiredReplicasAnnotation] === String(this.wanted) && annotations[maxReplicasAnnotation] === String(max);
    if (before === size && noted) return false;
    rs.metadata = { ...rs.metadata, annotations: withSizes(annotations, this.wanted, max) };
    if (before === size) return false;
    rs.spec = { ...rs.spec, selector: rs.spec?.selector ?? {}, replicas: size };
    this.#say(`Scaled ${size > before ? 'up' : 'down'} replica set ${nameOf(rs)} from ${before} to ${size}`);
    return true;
  }

  remove(rs: ReplicaSet): void {
    if (isBeingDeleted(rs)) return;
    this.#writes.push({
      verb: 'delete',
      resource: replicaSets,
      key: { namespace: rs.metadata?.namespace, name: nameOf(rs) },
      preconditions: { uid: rs.metadata?.uid ?? '', resourceVersion: rs.metadata?.resourceVersion ?? '' },
      propagationPolicy: 'Background',
    });
    this.oldRs = this.oldRs.filter((other) => other !== rs);
  }

  #say(message: string): void {
    this.#events.push(eventAbout(deployments, this.deployment, 'Normal', 'ScalingReplicaSet', message));
  }

  /** The writes, the events about them, and the Deployment's status where it changed, in that order. */
  actions(): Action[] {
    const updates: Action[] = [];
    for (const [copy, rs] of this.#observed) {
      if (!semanticEqual(copy, rs)) updates.push({ verb: 'update', resource: replicaSets, object: copy });
    }
    return [...this.#writes, ...updates, ...this.#events, ...this.#statusActions()];
  }

  #statusActions(): Action[] {
    const { metadata } = this.deployment;
    const sameRevision = this.revision === metadata?.annotations?.[revisionAnnotation];
    if (sameRevision && sameStatus(this.status, this.deployment.status ?? {})) return [];
    const annotations = {
      ...metadata?.annotations,
      ...(this.revision === undefined ? {} : { [revisionAnnotation]: this.revision }),
    };
    const object = { ...this.deployment, metadata: { ...metadata, annotations }, status: this.status };
    return [{ verb: 'update', resource: deployments, object, subresource: 'status' }];
  }
}

/** Absent and zero counts are the same on the wire. */
export function sameStatus(a: object, b: object): boolean {
  return semanticEqual(withoutZeros(a), withoutZeros(b));
}

function withoutZeros(status: object): object {
  return Object.fromEntries(Object.entries(status).filter(([, value]) => value !== 0));
}

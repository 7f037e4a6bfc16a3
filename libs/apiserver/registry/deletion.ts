// What a delete does to an object: decided purely from the object, the options and the time (registry/rest.BeforeDelete and
// generic/registry.Store.Delete).
import type { DeleteOptions, Namespace, ObjectMeta, Pod } from '@drydock/api/generated/types.ts';
import type { KubeObject } from '@drydock/api/resource.ts';
import type { ResourceInfo } from '@drydock/api/scheme.ts';
import { formatTime, parseTime } from '@drydock/foundation/clock.ts';
import { conflict } from './errors.ts';

export type DeletionPlan =
  /** The key goes. */
  | { readonly action: 'remove'; readonly object: KubeObject }
  /** The object stays, marked for deletion. */
  | { readonly action: 'mark'; readonly object: KubeObject }
  /** It is marked already and nothing changes. */
  | { readonly action: 'pending'; readonly object: KubeObject };

export const orphanFinalizer = 'orphan';
export const foregroundFinalizer = 'foregroundDeletion';
const defaultPodGraceSeconds = 30;

/** Fails with Conflict where the preconditions do not hold. */
export function checkPreconditions(info: ResourceInfo, current: KubeObject, options: DeleteOptions): void {
  const { uid, resourceVersion } = options.preconditions ?? {};
  const meta = current.metadata ?? {};
  const name = meta.name ?? '';
  if (uid !== undefined && uid !== meta.uid) {
    throw conflict(
      kindOf(info),
      name,
      `the UID in the precondition (${uid}) does not match the UID in record (${meta.uid ?? ''}). The object might have been deleted and then recreated`,
    );
  }
  if (resourceVersion !== undefined && resourceVersion !== meta.resourceVersion) {
    throw conflict(
      kindOf(info),
      name,
      `the ResourceVersion in the precondition (${resourceVersion}) does not match the ResourceVersion in record (${meta.resourceVersion ?? ''}). The object might have been modified`,
    );
  }
}

/** Preconditions of deletions name the kind where everything else names the resource. */
function kindOf(info: ResourceInfo): { group: string; resource: string } {
  return { group: info.group, resource: info.kind };
}

/** Plans the deletion of `current`. */
export function planDeletion(info: ResourceInfo, current: KubeObject, options: DeleteOptions, nowMs: number): DeletionPlan {
  checkPreconditions(info, current, options);
  const meta = current.metadata ?? {};
  const finalizers = wantedFinalizers(info, meta, options);
  const grace = gracePeriod(info, current, options);
  const marked = meta.deletionTimestamp !== undefined;
  if (isNamespace(info)) return planNamespace(current as Namespace, finalizers, nowMs);
  const held = finalizers.length > 0;
  if (marked) {
    const previous = meta.deletionGracePeriodSeconds ?? 0;
    const shorter = grace !== undefined && options.gracePeriodSeconds !== undefined && grace < previous;
    if (!held && grace === undefined) return { action: 'remove', object: current };
    if (!held && ((shorter && grace === 0) || previous === 0)) return { action: 'remove', object: current };
    if (shorter) {
      const requestedMs = (parseTime(meta.deletionTimestamp) ?? nowMs) - previous * 1000;
      return { action: 'mark', object: mark(current, finalizers, Math.max(requestedMs, nowMs - grace * 1000), grace, false) };
    }
    if (sameList(finalizers, meta.finalizers ?? [])) return { action: 'pending', object: current };
    return { action: 'mark', object: { ...current, metadata: { ...meta, finalizers } } };
  }
  if (grace === undefined && !held) return { action: 'remove', object: current };
  if (grace === 0 && !held) return { action: 'remove', object: mark(current, finalizers, nowMs, 0, true) };
  return { action: 'mark', object: mark(current, finalizers, nowMs, grace ?? 0, true) };
}

/** Whether an update that leaves `next` completes the deletion of an object that was marked before. */
export function completesDeletion(info: ResourceInfo, old: KubeObject, next: KubeObject): boolean {
  const meta = next.metadata ?? {};
  if (meta.deletionTimestamp === undefined || (meta.finalizers ?? []).length > 0) return false;
  if (isNamespace(info)) return ((next as Namespace).spec?.finalizers ?? []).length === 0;
  return (old.metadata?.finalizers ?? []).length > 0 && (old.metadata?.deletionGracePeriodSeconds ?? 0) === 0;
}

function isNamespace(info: ResourceInfo): boolean {
  return info.group === '' && info.resource === 'namespaces';
}

function planNamespace(current: Namespace, finalizers: string[], nowMs: number): DeletionPlan {
  if (current.metadata?.deletionTimestamp === undefined) {
    const marked = mark(current, finalizers, nowMs, undefined, true) as Namespace;
    return { action: 'mark', object: { ...marked, status: { ...current.status, phase: 'Terminating' } } as KubeObject };
  }
  if ((current.spec?.finalizers ?? []).length === 0 && finalizers.length === 0) return { action: 'remove', object: current };
  return { action: 'pending', object: current };
}

function mark(object: KubeObject, finalizers: string[], fromMs: number, grace: number | undefined, bump: boolean): KubeObject {
  const { finalizers: _, ...meta } = object.metadata ?? {};
  const generation = meta.generation !== undefined && bump ? { generation: meta.generation + 1 } : {};
  return {
    ...object,
    metadata: {
      ...meta,
      ...(finalizers.length === 0 ? {} : { finalizers }),
      ...generation,
      deletionTimestamp: formatTime(fromMs + (grace ?? 0) * 1000),
      ...(grace === undefined ? {} : { deletionGracePeriodSeconds: grace }),
    },
  };
}

/** Seconds of grace; undefined for resources that are deleted without. */
function gracePeriod(info: ResourceInfo, current: KubeObject, options: DeleteOptions): number | undefined {
  if (info.group !== '' || info.resource !== 'pods') return undefined;
  const pod = current as Pod;
  const asked = options.gracePeriodSeconds ?? pod.spec?.terminationGracePeriodSeconds ?? defaultPodGraceSeconds;
  const phase = pod.status?.phase;
  if ((pod.spec?.nodeName ?? '') === '' || phase === 'Succeeded' || phase === 'Failed') return 0;
  return asked < 0 ? 1 : asked;
}

/** The finalizers after the propagation policy has had its say. */
function wantedFinalizers(info: ResourceInfo, meta: ObjectMeta, options: DeleteOptions): string[] {
  const others = (meta.finalizers ?? []).filter((name) => name !== orphanFinalizer && name !== foregroundFinalizer);
  const has = (name: string) => meta.finalizers?.includes(name) === true;
  const policy =
    options.propagationPolicy ??
    (options.orphanDependents === undefined ? undefined : options.orphanDependents ? 'Orphan' : 'Background') ??
    (has(orphanFinalizer) ? 'Orphan' : has(foregroundFinalizer) ? 'Foreground' : defaultPolicy(info));
  if (policy === 'Orphan') return [...others, orphanFinalizer];
  if (policy === 'Foreground') return [...others, foregroundFinalizer];
  return others;
}

/** Replication controllers and batch/v1 jobs orphan by default, for compatibility. */
function defaultPolicy(info: ResourceInfo): 'Orphan' | 'Background' {
  const orphans = info.resource === 'replicationcontrollers' || (info.group === 'batch' && info.resource === 'jobs');
  return orphans ? 'Orphan' : 'Background';
}

/** What somebody should know who deletes without saying what becomes of the dependents. */
export function deletionWarning(info: ResourceInfo, options: DeleteOptions): string | undefined {
  if (info.group !== 'batch' || info.resource !== 'jobs') return undefined;
  if (options.propagationPolicy !== undefined || options.orphanDependents !== undefined) return undefined;
  return 'child pods are preserved by default when jobs are deleted; set propagationPolicy=Background to remove them or set propagationPolicy=Orphan to suppress this warning';
}

function sameList(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((value, index) => value === b[index]);
}

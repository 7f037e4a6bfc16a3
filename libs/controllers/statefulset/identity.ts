// Who a pod of a StatefulSet is: its ordinal gives it its name, its host name and its claims.
import type { OwnerReference, PersistentVolumeClaim, Pod, PodTemplateSpec, StatefulSet } from '@drydock/api/generated/types.ts';
import { pods as podResource, statefulSets } from '@drydock/api/resource.ts';
import { controllerReference } from '../common/action.ts';
import { nameOf, namespaceOf, uidOf } from '../common/object-meta.ts';
import { revisionHashLabel } from '../common/revisions.ts';

const podNameLabel = 'statefulset.kubernetes.io/pod-name';
const podIndexLabel = 'apps.kubernetes.io/pod-index';

/** The first ordinal and the one after the last. */
export function ordinalsOf(set: StatefulSet): { readonly start: number; readonly end: number } {
  const start = set.spec?.ordinals?.start ?? 0;
  return { start, end: start + (set.spec?.replicas ?? 1) };
}

/** The ordinal in the pod's name; undefined where the name is not one of the set's. */
export function ordinalOf(set: StatefulSet, pod: Pod): number | undefined {
  const match = /^(.*)-(\d+)$/.exec(nameOf(pod));
  return match !== null && match[1] === nameOf(set) ? Number(match[2]) : undefined;
}

export function revisionOf(pod: Pod): string {
  return pod.metadata?.labels?.[revisionHashLabel] ?? '';
}

/** The names of the pod's claims, by the volume that uses them. */
export function claimNames(set: StatefulSet, ordinal: number): ReadonlyMap<string, string> {
  const templates = set.spec?.volumeClaimTemplates ?? [];
  return new Map(templates.map((claim) => [nameOf(claim), `${nameOf(claim)}-${nameOf(set)}-${ordinal}`]));
}

/** The pod of that ordinal, made from a revision's template. */
export function podOf(set: StatefulSet, template: PodTemplateSpec, revision: string, ordinal: number): Pod {
  const { annotations, labels, finalizers } = template.metadata ?? {};
  const bare: Pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      generateName: `${nameOf(set)}-`,
      labels: { ...labels, [revisionHashLabel]: revision },
      ...(annotations === undefined ? {} : { annotations }),
      ...(finalizers === undefined ? {} : { finalizers }),
      ownerReferences: [controllerReference(statefulSets, set)],
    },
    spec: { containers: [], ...template.spec },
  };
  const pod = withStorage(set, withIdentity(set, bare, ordinal), ordinal);
  const { serviceName = '' } = set.spec ?? {};
  return {
    ...pod,
    spec: { containers: [], ...pod.spec, hostname: nameOf(pod), ...(serviceName === '' ? {} : { subdomain: serviceName }) },
  };
}

/** The name, and the labels that tell it. */
export function withIdentity(set: StatefulSet, pod: Pod, ordinal: number): Pod {
  const name = `${nameOf(set)}-${ordinal}`;
  const labels = { ...pod.metadata?.labels, [podNameLabel]: name, [podIndexLabel]: String(ordinal) };
  return { ...pod, metadata: { ...pod.metadata, name, namespace: namespaceOf(set), labels } };
}

export function hasIdentity(set: StatefulSet, pod: Pod, ordinal: number): boolean {
  const name = `${nameOf(set)}-${ordinal}`;
  const labels = pod.metadata?.labels ?? {};
  return nameOf(pod) === name && labels[podNameLabel] === name && labels[podIndexLabel] === String(ordinal);
}

/** Claims take the place of the template's volumes of the same name. */
function withStorage(set: StatefulSet, pod: Pod, ordinal: number): Pod {
  const claims = claimNames(set, ordinal);
  const others = (pod.spec?.volumes ?? []).filter(({ name }) => !claims.has(name));
  const own = [...claims].map(([name, claimName]) => ({ name, persistentVolumeClaim: { claimName } }));
  const volumes = [...own, ...others];
  return volumes.length === 0 ? pod : { ...pod, spec: { containers: [], ...pod.spec, volumes } };
}

/** What a claim of that ordinal must belong to, so that it goes when the retention policy says so. */
export function claimOwners(set: StatefulSet, pod: Pod, ordinal: number): readonly OwnerReference[] {
  const { whenDeleted = 'Retain', whenScaled = 'Retain' } = set.spec?.persistentVolumeClaimRetentionPolicy ?? {};
  const { start, end } = ordinalsOf(set);
  if (whenScaled === 'Delete' && (ordinal < start || ordinal >= end)) return [controllerReference(podResource, pod)];
  return whenDeleted === 'Delete' ? [controllerReference(statefulSets, set)] : [];
}

/** The claim's references with those that this controller manages as they must be; undefined where they already are. */
export function correctedOwners(
  set: StatefulSet,
  claim: PersistentVolumeClaim,
  pod: Pod,
  ordinal: number,
): OwnerReference[] | undefined {
  const wanted = claimOwners(set, pod, ordinal);
  const present = claim.metadata?.ownerReferences ?? [];
  // A controller of another kind manages the claim for itself.
  if (present.some((one) => one.controller === true && one.uid !== uidOf(set) && one.uid !== uidOf(pod))) return undefined;
  const managed = (one: OwnerReference) => one.uid === uidOf(set) || one.uid === uidOf(pod);
  const mine = present.filter(managed);
  const same =
    mine.length === wanted.length &&
    mine.every((one) => wanted.some((want) => want.uid === one.uid && one.controller === true));
  return same ? undefined : [...present.filter((one) => !managed(one)), ...wanted];
}

/** A claim of the template's for that ordinal. The pod does not exist yet, so its claim belongs to the set at most. */
export function claimOf(
  set: StatefulSet,
  template: PersistentVolumeClaim,
  name: string,
  ordinal: number,
): PersistentVolumeClaim {
  const owners = claimOwners(set, {}, ordinal);
  return {
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: {
      ...template.metadata,
      name,
      namespace: namespaceOf(set),
      labels: { ...template.metadata?.labels, ...set.spec?.selector.matchLabels },
      ...(owners.length === 0 ? {} : { ownerReferences: [...owners] }),
    },
    spec: template.spec,
  };
}

/** The claim still belongs to an earlier pod of this name, and will be deleted with it. */
export function isStale(claim: PersistentVolumeClaim, podName: string, pod: Pod | undefined): boolean {
  return (claim.metadata?.ownerReferences ?? []).some(
    ({ kind, name, uid }) => kind === 'Pod' && name === podName && (pod === undefined || uid !== uidOf(pod)),
  );
}

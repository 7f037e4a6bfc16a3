// What a StatefulSet needs now. Pure; follows upstream's pkg/controller/statefulset.
import type {
  ControllerRevision,
  PersistentVolumeClaim,
  Pod,
  StatefulSet,
  StatefulSetStatus,
} from '@drydock/api/generated/types.ts';
import { controllerRevisions, pods as podResource, statefulSets } from '@drydock/api/resource.ts';
import { matchesSelector } from '@drydock/api/selectors/label-selector.ts';
import type { Action } from '../common/action.ts';
import { planClaims } from '../common/claim.ts';
import { semanticEqual } from '../common/equality.ts';
import { isBeingDeleted, nameOf, sum } from '../common/object-meta.ts';
import { isPodAvailable, isPodReady, nextAvailabilityMs } from '../common/pod.ts';
import { planHistoryCleanup, planRevision, type RevisionOwner, templateOf } from '../common/revisions.ts';
import { ordinalOf, revisionOf } from './identity.ts';
import { countsAs, type Fleet, planSteps, type Step } from './steps.ts';

export interface StatefulSetObserved {
  readonly set: StatefulSet;
  /** Pods of the namespace that the set controls or that nobody controls; so too the revisions. */
  readonly pods: readonly Pod[];
  readonly revisions: readonly ControllerRevision[];
  /** The claim of that name in the set's namespace. */
  claim(name: string): PersistentVolumeClaim | undefined;
  /** The feature gate MaxUnavailableStatefulSet: whether `rollingUpdate.maxUnavailable` counts. */
  readonly severalUnavailable: boolean;
}

export interface StatefulSetPlan {
  /** Adoption, release and the revision of the template; when there are any, everything else waits for their result. */
  readonly first: readonly Action[];
  readonly steps: readonly Step[];
  /** What `statusAfter` and the clean-up of the history start from; undefined where `first` is to be done. */
  readonly fleet: Fleet | undefined;
  readonly history: readonly Action[];
  readonly requeueAfterMs?: number | undefined;
}

export function revisionOwner(set: StatefulSet): RevisionOwner {
  return {
    resource: statefulSets,
    object: set,
    template: set.spec?.template ?? {},
    collisionCount: set.status?.collisionCount ?? 0,
    hashLabel: 'controller.kubernetes.io/hash',
  };
}

export function planStatefulSet(observed: StatefulSetObserved, nowMs: number): StatefulSetPlan {
  const { set } = observed;
  const matches = (object: Pod | ControllerRevision) => matchesSelector(set.spec?.selector, object.metadata?.labels);
  const isMember = (pod: Pod) => matches(pod) && ordinalOf(set, pod) !== undefined;
  const pods = planClaims(statefulSets, set, podResource, observed.pods, isMember);
  const revisions = planClaims(statefulSets, set, controllerRevisions, observed.revisions, matches);
  const claims = [...pods.actions, ...revisions.actions];
  const nothing = { steps: [], history: [], fleet: undefined };
  if (claims.length > 0) return { ...nothing, first: claims };
  const { action, current: update, old } = planRevision(revisionOwner(set), revisions.claimed);
  if (action !== undefined) return isBeingDeleted(set) ? { ...nothing, first: [] } : { ...nothing, first: [action] };

  const current = revisions.claimed.find((one) => nameOf(one) === set.status?.currentRevision) ?? update;
  const byOrdinal = new Map<number, Pod>();
  for (const pod of pods.claimed) byOrdinal.set(ordinalOf(set, pod) ?? -1, pod);
  const fleet: Fleet = {
    set,
    current: nameOf(current),
    update: nameOf(update),
    templates: new Map([current, update].map((one) => [nameOf(one), templateOf(one)])),
    pods: byOrdinal,
    claim: observed.claim,
    nowMs,
    severalUnavailable: observed.severalUnavailable,
  };
  const live = new Set([fleet.current, fleet.update, ...pods.claimed.map(revisionOf)]);
  return {
    first: [],
    steps: isBeingDeleted(set) ? [] : planSteps(fleet),
    fleet,
    history: planHistoryCleanup(old, set.spec?.revisionHistoryLimit ?? 10, (one) => live.has(nameOf(one))),
    requeueAfterMs: nextAvailabilityMs(pods.claimed, set.spec?.minReadySeconds ?? 0, nowMs),
  };
}

/** The status after `done` of the plan's steps. */
export function statusAfter(plan: StatefulSetPlan, done: number): Action[] {
  const { fleet } = plan;
  if (fleet === undefined) return [];
  const { set, nowMs } = fleet;
  const pods = [...fleet.pods.values()];
  const deltas = [
    ...pods.map((pod) => countsAs(fleet, pod)),
    ...plan.steps.slice(0, done).flatMap(({ delta }) => (delta === undefined ? [] : [delta])),
  ];
  const ready = pods.filter((pod) => pod.status?.phase === 'Running' && isPodReady(pod));
  const replicas = sum(deltas, (delta) => delta.replicas);
  const updated = sum(deltas, (delta) => delta.updated);
  const wanted = set.spec?.replicas ?? 1;
  const rolling = (set.spec?.updateStrategy?.type ?? 'RollingUpdate') === 'RollingUpdate';
  // Everything is as the new revision wants it: it is the present one from now on.
  const complete = rolling && updated === wanted && ready.length === wanted && replicas === wanted;
  const current = complete ? updated : sum(deltas, (delta) => delta.current);
  const status: StatefulSetStatus = {
    ...(set.status?.conditions === undefined ? {} : { conditions: set.status.conditions }),
    observedGeneration: set.metadata?.generation,
    replicas,
    ...(ready.length === 0 ? {} : { readyReplicas: ready.length }),
    availableReplicas: ready.filter((pod) => isPodAvailable(pod, set.spec?.minReadySeconds ?? 0, nowMs)).length,
    ...(current === 0 ? {} : { currentReplicas: current }),
    ...(updated === 0 ? {} : { updatedReplicas: updated }),
    currentRevision: complete ? fleet.update : fleet.current,
    updateRevision: fleet.update,
    collisionCount: set.status?.collisionCount ?? 0,
  };
  return semanticEqual(status, set.status) ? [] : [writeOf({ ...set, status })];
}

function writeOf(object: StatefulSet): Action {
  return { verb: 'update', resource: statefulSets, object, subresource: 'status' };
}

/** The name of the new revision is taken by other content: the next hash counts the collision in. */
export function planCollision(set: StatefulSet): Action[] {
  const status = { replicas: 0, ...set.status, collisionCount: (set.status?.collisionCount ?? 0) + 1 };
  return [writeOf({ ...set, status })];
}

// What a DaemonSet needs now. Pure; follows upstream's pkg/controller/daemon.
import type { ControllerRevision, DaemonSet, DaemonSetStatus, Node, Pod } from '@drydock/api/generated/types.ts';
import { controllerRevisions, daemonSets, pods as podResource } from '@drydock/api/resource.ts';
import { isEmptySelector, matchesSelector } from '@drydock/api/selectors/label-selector.ts';
import { type Action, eventAbout } from '../common/action.ts';
import { planClaims } from '../common/claim.ts';
import { semanticEqual } from '../common/equality.ts';
import { isBeingDeleted } from '../common/object-meta.ts';
import { isPodReady, nextAvailabilityMs } from '../common/pod.ts';
import { planHistoryCleanup, planRevision, type RevisionOwner, revisionHashLabel } from '../common/revisions.ts';
import { type Daemon, gather, isAvailable, isRolling, isUpdated, podFor } from './daemon.ts';
import { type BackoffOf, planPresence } from './manage.ts';
import { planRolling } from './rolling.ts';

/** Pods created or deleted in one round at most, as upstream's BurstReplicas. */
export const burstPodsMax = 250;

export interface DaemonSetObserved {
  readonly daemonSet: DaemonSet;
  readonly nodes: readonly Node[];
  /** Pods of the namespace that the set controls or that nobody controls; so too the revisions. */
  readonly pods: readonly Pod[];
  readonly revisions: readonly ControllerRevision[];
  readonly backoffOf: BackoffOf;
}

export interface DaemonSetPlan {
  /** Adoption, release and the revision of the template; when there are any, everything else waits for their result. */
  readonly first: readonly Action[];
  readonly create: readonly Pod[];
  readonly remove: readonly Pod[];
  /** Nodes whose failed pod is replaced now. */
  readonly failed: readonly string[];
  /** Events, done before the pods. */
  readonly events: readonly Action[];
  /** History and status, done after the pods, whether or not these succeeded. */
  readonly last: readonly Action[];
  readonly requeueAfterMs?: number | undefined;
}

const nothing: DaemonSetPlan = { first: [], create: [], remove: [], failed: [], events: [], last: [] };

export function revisionOwner(set: DaemonSet): RevisionOwner {
  return {
    resource: daemonSets,
    object: set,
    template: set.spec?.template ?? {},
    collisionCount: set.status?.collisionCount,
    hashLabel: revisionHashLabel,
  };
}

export function planDaemonSet(observed: DaemonSetObserved, nowMs: number): DaemonSetPlan {
  const { daemonSet: set, nodes, backoffOf } = observed;
  const selector = set.spec?.selector;
  if (isEmptySelector(selector)) {
    const text = 'This daemon set is selecting all pods. A non-empty selector is required.';
    return { ...nothing, events: [eventAbout(daemonSets, set, 'Warning', 'SelectingAll', text)] };
  }
  if (isBeingDeleted(set)) return nothing;
  const matches = (object: Pod | ControllerRevision) => matchesSelector(selector, object.metadata?.labels);
  const pods = planClaims(daemonSets, set, podResource, observed.pods, matches);
  const revisions = planClaims(daemonSets, set, controllerRevisions, observed.revisions, matches);
  const claims = [...pods.actions, ...revisions.actions];
  if (claims.length > 0) return { ...nothing, first: claims };
  const { action, current, old } = planRevision(revisionOwner(set), revisions.claimed);
  if (action !== undefined) return { ...nothing, first: [action] };

  const daemon = gather(set, current.metadata?.labels?.[revisionHashLabel] ?? '', nodes, pods.claimed, nowMs);
  let changes = planPresence(daemon, backoffOf);
  const { requeueAfterMs } = changes;
  if (changes.create.length === 0 && changes.remove.length === 0 && isRolling(daemon)) changes = planRolling(daemon);
  const hashes = new Set(pods.claimed.map((pod) => pod.metadata?.labels?.[revisionHashLabel]));
  const isLive = (revision: ControllerRevision) => hashes.has(revision.metadata?.labels?.[revisionHashLabel]);
  const availableAfterMs = nextAvailabilityMs(pods.claimed, set.spec?.minReadySeconds ?? 0, nowMs);
  return {
    first: [],
    create: changes.create.slice(0, burstPodsMax).map((node) => podFor(daemon, node)),
    remove: changes.remove.slice(0, burstPodsMax),
    failed: changes.failed,
    events: changes.events,
    last: [...planHistoryCleanup(old, set.spec?.revisionHistoryLimit ?? 10, isLive), ...planStatus(daemon)],
    requeueAfterMs:
      requeueAfterMs === undefined ? availableAfterMs : Math.min(requeueAfterMs, availableAfterMs ?? requeueAfterMs),
  };
}

function planStatus(daemon: Daemon): Action[] {
  const { set, places } = daemon;
  const wanted = places.filter(({ fit }) => fit.run);
  const firsts = wanted.flatMap(({ pods }) => pods.slice(0, 1));
  const ready = firsts.filter(isPodReady);
  const available = ready.filter((pod) => isAvailable(daemon, pod)).length;
  const updated = firsts.filter((pod) => isUpdated(daemon, pod)).length;
  const unavailable = wanted.length - available;
  const { collisionCount, conditions } = set.status ?? {};
  // Upstream leaves out the counts that are zero, those that every status has excepted.
  const status: DaemonSetStatus = {
    ...(collisionCount === undefined ? {} : { collisionCount }),
    ...(conditions === undefined ? {} : { conditions }),
    desiredNumberScheduled: wanted.length,
    currentNumberScheduled: firsts.length,
    numberMisscheduled: places.filter(({ fit, pods }) => !fit.run && pods.length > 0).length,
    numberReady: ready.length,
    ...(updated === 0 ? {} : { updatedNumberScheduled: updated }),
    ...(available === 0 ? {} : { numberAvailable: available }),
    ...(unavailable === 0 ? {} : { numberUnavailable: unavailable }),
    observedGeneration: set.metadata?.generation,
  };
  if (semanticEqual(countsOf(status), countsOf(set.status))) return [];
  const object: DaemonSet = { ...set, status };
  return [{ verb: 'update', resource: daemonSets, object, subresource: 'status' }];
}

/** Absent and zero are the same on the wire; a set without any status has one written. */
function countsOf(status: DaemonSetStatus | undefined): object {
  return {
    desired: status?.desiredNumberScheduled ?? 0,
    current: status?.currentNumberScheduled ?? 0,
    misscheduled: status?.numberMisscheduled ?? 0,
    ready: status?.numberReady ?? 0,
    updated: status?.updatedNumberScheduled ?? 0,
    available: status?.numberAvailable ?? 0,
    unavailable: status?.numberUnavailable ?? 0,
    generation: status?.observedGeneration ?? 0,
  };
}

/** The name of the new revision is taken by other content: the next hash counts the collision in. */
export function planCollision(set: DaemonSet): Action[] {
  const status: DaemonSetStatus = {
    currentNumberScheduled: 0,
    desiredNumberScheduled: 0,
    numberMisscheduled: 0,
    numberReady: 0,
    ...set.status,
    collisionCount: (set.status?.collisionCount ?? 0) + 1,
  };
  const object: DaemonSet = { ...set, status };
  return [{ verb: 'update', resource: daemonSets, object, subresource: 'status' }];
}

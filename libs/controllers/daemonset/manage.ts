// One pod on every node that wants one, none elsewhere.
import type { Pod } from '@drydock/api/generated/types.ts';
import { daemonSets } from '@drydock/api/resource.ts';
import { type EventAction, eventAbout } from '../common/action.ts';
import { isBeingDeleted, nameOf, namespaceOf } from '../common/object-meta.ts';
import { isPodReady } from '../common/pod.ts';
import { allowsSurge, type Daemon, isAvailable, isUpdated, type Place } from './daemon.ts';

/** Milliseconds until a failed pod on that node may be replaced; 0 means now. */
export type BackoffOf = (node: string) => number;

export interface Changes {
  /** Names of nodes to make a pod for. */
  readonly create: string[];
  readonly remove: Pod[];
  readonly events: EventAction[];
  /** Nodes whose failed pod is replaced now: the next one waits longer. */
  readonly failed: string[];
  /** When the first of the failed pods that have to wait may be replaced. */
  requeueAfterMs: number | undefined;
}

export function noChanges(): Changes {
  return { create: [], remove: [], events: [], failed: [], requeueAfterMs: undefined };
}

/** What is missing and what is too much, whatever the revision of the pods (upstream's manage). */
export function planPresence(daemon: Daemon, backoffOf: BackoffOf): Changes {
  const changes = noChanges();
  for (const place of daemon.places) {
    if (place.fit.run && place.pods.length === 0) changes.create.push(nameOf(place.node));
    else if (place.fit.stay) tend(daemon, place, backoffOf, changes);
    else changes.remove.push(...place.pods.filter((pod) => !isBeingDeleted(pod)));
  }
  changes.remove.push(...daemon.stranded);
  return changes;
}

function tend(daemon: Daemon, place: Place, backoffOf: BackoffOf, changes: Changes): void {
  const running = withoutFinished(daemon, place, backoffOf, changes);
  if (!allowsSurge(daemon)) {
    changes.remove.push(...running.slice(1));
    return;
  }
  if (running.length === 0 && place.fit.run && !changes.failed.includes(nameOf(place.node))) {
    if (place.pods.every(isBeingDeleted)) changes.create.push(nameOf(place.node));
  }
  if (running.length <= 1) return;
  const [fresh, ...extraFresh] = running.filter((pod) => isUpdated(daemon, pod));
  const [stale, ...extraStale] = running.filter((pod) => !isUpdated(daemon, pod));
  changes.remove.push(...extraFresh, ...extraStale);
  // Two may stand side by side only while the old one serves and the new one does not yet.
  if (fresh !== undefined && stale !== undefined && (!isPodReady(stale) || isAvailable(daemon, fresh))) {
    changes.remove.push(stale);
  }
}

/** The pods of the place that run or will; those that ended are removed, the failed ones not faster than the back-off lets. */
function withoutFinished(daemon: Daemon, place: Place, backoffOf: BackoffOf, changes: Changes): Pod[] {
  const node = nameOf(place.node);
  const say = (type: 'Normal' | 'Warning', reason: string, message: string) =>
    changes.events.push(eventAbout(daemonSets, daemon.set, type, reason, message));
  const running: Pod[] = [];
  for (const pod of place.pods) {
    if (isBeingDeleted(pod)) continue;
    const what = `daemon pod ${namespaceOf(pod)}/${nameOf(pod)} on node ${node}`;
    if (pod.status?.phase === 'Failed') {
      const waitMs = backoffOf(node);
      if (waitMs > 0) {
        changes.requeueAfterMs = Math.min(changes.requeueAfterMs ?? waitMs, waitMs);
        continue;
      }
      say('Warning', 'FailedDaemonPod', `Found failed ${what}, will try to kill it`);
      changes.failed.push(node);
      changes.remove.push(pod);
    } else if (pod.status?.phase === 'Succeeded') {
      say('Normal', 'SucceededDaemonPod', `Found succeeded ${what}, will try to delete it`);
      changes.remove.push(pod);
    } else running.push(pod);
  }
  return running;
}

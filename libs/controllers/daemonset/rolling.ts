// A rolling update: old pods give way to pods of the present template, within maxUnavailable or maxSurge.
import type { Pod } from '@drydock/api/generated/types.ts';
import { isBeingDeleted, nameOf } from '../common/object-meta.ts';
import { type Daemon, isAvailable, isUpdated, limitsOf, type Place } from './daemon.ts';
import { type Changes, noChanges } from './manage.ts';

interface Pair {
  readonly fresh: Pod | undefined;
  readonly stale: Pod | undefined;
}

/** The one pod of each kind on a node; undefined where there are more, which planPresence has to clear up first. */
function pairOf(daemon: Daemon, place: Place): Pair | undefined {
  const live = place.pods.filter((pod) => !isBeingDeleted(pod));
  const [fresh, secondFresh] = live.filter((pod) => isUpdated(daemon, pod));
  const [stale, secondStale] = live.filter((pod) => !isUpdated(daemon, pod));
  return secondFresh === undefined && secondStale === undefined ? { fresh, stale } : undefined;
}

/** The next step; nothing where planPresence has something to do first. */
export function planRolling(daemon: Daemon): Changes {
  const limits = limitsOf(daemon);
  return limits.maxSurge > 0 ? surge(daemon, limits.maxSurge) : replace(daemon, limits.maxUnavailable);
}

/** Without surge: removes old pods; planPresence makes the new ones when they are gone. */
function replace(daemon: Daemon, maxUnavailable: number): Changes {
  const changes = noChanges();
  const candidates: Pod[] = [];
  let unavailable = 0;
  for (const place of daemon.places) {
    if (place.pods.length === 0) continue;
    const pair = pairOf(daemon, place);
    const [fresh, stale] = [pair?.fresh, pair?.stale];
    if ((fresh === undefined) === (stale === undefined)) unavailable++;
    else if (fresh !== undefined) unavailable += isAvailable(daemon, fresh) ? 0 : 1;
    else if (stale !== undefined && isAvailable(daemon, stale)) candidates.push(stale);
    else if (stale !== undefined) {
      // It serves nobody: replacing it costs nothing, so that a broken revision does not hold up its repair.
      changes.remove.push(stale);
      unavailable++;
    }
  }
  changes.remove.push(...candidates.slice(0, Math.max(0, maxUnavailable - unavailable)));
  return changes;
}

/** With surge: makes new pods beside the old ones, and removes an old one when its successor is available. */
function surge(daemon: Daemon, maxSurge: number): Changes {
  const changes = noChanges();
  const candidates: string[] = [];
  let surging = 0;
  for (const place of daemon.places) {
    if (place.pods.length === 0) continue;
    const pair = pairOf(daemon, place);
    if (pair === undefined) {
      surging++;
      continue;
    }
    const { fresh, stale } = pair;
    if (stale === undefined) continue;
    if (fresh !== undefined) {
      if (isAvailable(daemon, fresh)) changes.remove.push(stale);
      else surging++;
    } else if (!place.fit.run) {
      // A successor could not be scheduled there; only one that serves nobody is let go.
      if (!isAvailable(daemon, stale)) changes.remove.push(stale);
    } else if (isAvailable(daemon, stale)) candidates.push(nameOf(place.node));
    else changes.create.push(nameOf(place.node));
  }
  changes.create.push(...candidates.slice(0, Math.max(0, maxSurge - surging)));
  return changes;
}

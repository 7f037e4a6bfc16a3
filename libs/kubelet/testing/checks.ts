// What must hold of every run of a world, whatever befell it: pure, from its journal.
import type { ContainerStatus, Pod } from '@drydock/api/generated/types.ts';
import { mirrored } from '../static/static-pod.ts';
import type { ContainerEntry, Entry, PodEntry } from './journal.ts';

/** A call that was under way when a pod's end began may still start a container; no later one. */
const underWayMs = 1_000;
/** What a container is given after SIGTERM whatever its pod's grace has left (minimumGracePeriodInSeconds). */
const leastWindowMs = 2_000;
/** A kubelet that finds its pod's end begun anew gives the grace anew; so long a restart and its first list may take. */
const resumeMs = 5_000;

/** One line for each thing that is wrong. */
export function violations(journal: readonly Entry[]): string[] {
  const uids = new Set(journal.flatMap((entry) => ('uid' in entry ? [entry.uid] : [])));
  return [...uids].flatMap((uid) => {
    const own = journal.filter((entry) => !('uid' in entry) || entry.uid === uid);
    return [...startsOf(own), ...killsOf(own), ...statusesOf(own), ...removalsOf(own)].map((text) => `${nameOf(own)}: ${text}`);
  });
}

/** Never two of one name at a time; none after the end has begun, after a final phase, or for nobody. */
function startsOf(own: readonly Entry[]): string[] {
  const found: string[] = [];
  const running = new Map<string, string>();
  let pod: Pod | undefined;
  let endsAtMs = Number.POSITIVE_INFINITY;
  let hasBegunToEnd = false;
  for (const entry of own) {
    if (entry.what === 'pod') {
      pod = entry.after;
      if (pod === undefined || pod.metadata?.deletionTimestamp !== undefined) endsAtMs = Math.min(endsAtMs, entry.atMs);
    } else if (entry.what === 'start') {
      const text = `${entry.name} is started at ${entry.atMs}`;
      if (running.has(entry.name)) found.push(`${text} while it runs`);
      if (entry.atMs > endsAtMs + underWayMs) found.push(`${text}, after its pod was deleted at ${endsAtMs}`);
      else if (hasBegunToEnd) found.push(`${text}, after its pod's containers were told to end`);
      if (isFinal(pod)) found.push(`${text}, after its pod was ${pod?.status?.phase}`);
      running.set(entry.name, entry.id);
    } else if (entry.what === 'end') running.delete(entry.name);
    else if (entry.what === 'term' && entry.atMs >= endsAtMs) hasBegunToEnd = true;
  }
  return found;
}

/** No SIGKILL before the grace period is over, and none much later. */
function killsOf(own: readonly Entry[]): string[] {
  const found: string[] = [];
  const begun = new Map<string, number>();
  const ended = new Set<string>();
  let graceMs = 0;
  let deadlineMs = Number.POSITIVE_INFINITY;
  let deletedAtMs = Number.POSITIVE_INFINITY;
  let resumedAtMs = 0;
  for (const entry of own) {
    if (entry.what === 'pod') {
      const seconds = graceOf(entry.after ?? entry.before, entry.after === undefined);
      if (entry.before === undefined) graceMs = seconds * 1000;
      const ends = entry.after === undefined || entry.after.metadata?.deletionTimestamp !== undefined;
      if (!ends) continue;
      // A deletion that hurries an earlier one may come to its end sooner than that.
      if (seconds * 1000 < graceMs || deletedAtMs === Number.POSITIVE_INFINITY) {
        deletedAtMs = entry.atMs;
        graceMs = seconds * 1000;
        deadlineMs = Math.min(deadlineMs, entry.atMs + graceMs);
      }
    } else if (entry.what === 'crash' || entry.what === 'restart') resumedAtMs = entry.atMs;
    else if (entry.what === 'hook' || entry.what === 'term') {
      if (!begun.has(entry.id)) begun.set(entry.id, entry.atMs);
    } else if (entry.what === 'kill') found.push(...tooEarly(entry, begun.get(entry.id), graceMs, deadlineMs));
    else if (entry.what === 'end') {
      ended.add(entry.id);
      const lastMs = Math.max(deadlineMs, resumedAtMs > deletedAtMs ? resumedAtMs + graceMs + resumeMs : 0) + leastWindowMs;
      if (entry.atMs > lastMs) found.push(`${entry.name} ends at ${entry.atMs}, though its grace was over at ${lastMs}`);
    }
  }
  return found;
}

function tooEarly({ name, atMs }: ContainerEntry, begunAtMs = atMs, graceMs: number, deadlineMs: number): string[] {
  const dueMs = Math.min(begunAtMs + graceMs, deadlineMs);
  return atMs < dueMs ? [`${name} is killed at ${atMs}, ${dueMs - atMs} ms before its grace is over`] : [];
}

/** Of one whose object is gone its own grace is all that is known. */
function graceOf(pod: Pod | undefined, isGone: boolean): number {
  const own = Number(pod?.spec?.terminationGracePeriodSeconds ?? 30);
  return isGone ? own : Number(pod?.metadata?.deletionGracePeriodSeconds ?? own);
}

/**
 * A status never goes back: phase, restarts, which container. A final phase stays, and nothing runs then. That of a mirror is
 * corrected: nobody but the kubelet ends what it mirrors.
 */
function statusesOf(own: readonly Entry[]): string[] {
  const order = ['', 'Pending', 'Running', 'Succeeded', 'Failed'];
  return own.filter(isPodEntry).flatMap(({ before, after, running, atMs }) => {
    if (before === undefined || after === undefined) return [];
    const [was = '', is = ''] = [before.status?.phase, after.status?.phase];
    const back = mirrored(after) === undefined && (isFinal(before) ? was !== is : order.indexOf(is) < order.indexOf(was));
    const found = back ? [`says ${is} after ${was} at ${atMs}`] : [];
    if (isFinal(after) && !isFinal(before) && running.length > 0) found.push(`says ${is} at ${atMs} while ${running} runs`);
    for (const status of statusesIn(after)) {
      const last = statusesIn(before).find(({ name }) => name === status.name);
      if (last === undefined) continue;
      const [countWas = 0, countIs = 0] = [last.restartCount, status.restartCount];
      if (countIs < countWas) found.push(`says ${countIs} restarts of ${status.name} after ${countWas} at ${atMs}`);
      const isOther = last.containerID && status.containerID && last.containerID !== status.containerID;
      if (isOther && countIs <= countWas) found.push(`says another container of ${status.name} but no restart at ${atMs}`);
    }
    return found;
  });
}

/** The kubelet removes a pod's object when its containers have ended and its volumes are gone. */
function removalsOf(own: readonly Entry[]): string[] {
  return own.filter(isPodEntry).flatMap(({ before, after, running, hasFolder, atMs }) => {
    // What had not begun to end was removed by somebody else, by force.
    if (after !== undefined || before?.metadata?.deletionTimestamp === undefined) return [];
    const found = running.length > 0 ? [`is removed at ${atMs} while ${running} runs`] : [];
    return hasFolder ? [...found, `is removed at ${atMs} before its volumes`] : found;
  });
}

function isPodEntry(entry: Entry): entry is PodEntry {
  return entry.what === 'pod';
}

function isFinal(pod: Pod | undefined): boolean {
  return pod?.status?.phase === 'Succeeded' || pod?.status?.phase === 'Failed';
}

function statusesIn({ status }: Pod): ContainerStatus[] {
  return [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])];
}

function nameOf(own: readonly Entry[]): string {
  const entry = own.find(isPodEntry);
  return (entry?.after ?? entry?.before)?.metadata?.name ?? '?';
}

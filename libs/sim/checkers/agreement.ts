// What watches agree on among themselves where no log of the operations could be found: two that were told of one revision of one
// key were told the same. Also the members' hashes, and who led.
import type { History, LeaderObservation, MemberHash } from '../history/history.ts';
import type { Watch, WatchEvent } from '../history/watch.ts';
import { sameEvent } from './same.ts';
import { seconds, type Violation } from './violation.ts';

export function checkAgreement(history: History): Violation[] {
  return [...checkEvents(history.watches), ...checkHashes(history.hashes), ...checkLeaders(history.leaders)];
}

function checkEvents(watches: readonly Watch[]): Violation[] {
  const known = new Map<string, { event: WatchEvent; by: Watch }>();
  const violations: Violation[] = [];
  for (const watch of watches) {
    for (const event of watch.responses.flatMap(({ events }) => events)) {
      const id = `${event.kv.modRevision} ${event.kv.key}`;
      const other = known.get(id);
      if (other === undefined) known.set(id, { event, by: watch });
      else if (!sameEvent(other.event, event)) {
        const say = (of: Watch, { kind, kv }: WatchEvent) => `watch ${of.id} of ${of.client}: ${kind} ${kv.key} = ${kv.value}`;
        violations.push({
          guarantee: 'revisions',
          text: `two watches were told different things about revision ${event.kv.modRevision}`,
          evidence: [say(other.by, other.event), say(watch, event)],
        });
      }
    }
  }
  return violations;
}

/** Members that are at one revision, compacted at one revision, have one hash. */
export function checkHashes(hashes: readonly MemberHash[]): Violation[] {
  return disagreements(
    hashes,
    ({ revision, compactRevision }) => `${revision} ${compactRevision}`,
    ({ hash }) => `${hash}`,
  ).map(([a, b]) => ({
    guarantee: 'members',
    text: `${a.member} and ${b.member} differ at revision ${a.revision} (compacted at ${a.compactRevision})`,
    evidence: [a, b].map(({ member, time, hash }) => `${member} at ${seconds(time)}: hash ${hash}`),
  }));
}

/** Election safety: at most one leader per term. */
export function checkLeaders(leaders: readonly LeaderObservation[]): Violation[] {
  const known = leaders.filter(({ leader }) => leader !== undefined);
  return disagreements(
    known,
    ({ term }) => `${term}`,
    ({ leader }) => `${leader}`,
  ).map(([a, b]) => ({
    guarantee: 'raft',
    text: `two leaders in term ${a.term}`,
    evidence: [a, b].map(({ member, time, leader }) => `${member} at ${seconds(time)}: ${leader} leads`),
  }));
}

/** Pairs that have the same key and not the same value: the first of each key with each that differs. */
function disagreements<T>(all: readonly T[], key: (of: T) => string, value: (of: T) => string): [T, T][] {
  const first = new Map<string, T>();
  const pairs: [T, T][] = [];
  for (const each of all) {
    const other = first.get(key(each));
    if (other === undefined) first.set(key(each), each);
    else if (value(other) !== value(each)) pairs.push([other, each]);
  }
  return pairs;
}

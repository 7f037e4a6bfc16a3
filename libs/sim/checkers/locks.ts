// Locks and elections exclude each other in the order of revisions: whoever was told to hold one was, at the revision it was told, the
// oldest of those whose key was there. That two believe to hold it at one time cannot be ruled out (a holder may stand still past its
// lease, as on etcd), only that both can prove it with their keys.
import type { History } from '../history/history.ts';
import type { Operation } from '../history/operation.ts';
import { type Certain, certainOf } from './certain.ts';
import { renderOperation, type Violation } from './violation.ts';
import type { Log } from './watches.ts';

/** A key from the revision that made it until the one that deleted it. */
interface Life {
  readonly key: string;
  readonly from: number;
  to: number;
}

export function checkLocks(history: History, log: Log): Violation[] {
  const held = history.operations.filter(({ request, outcome }) => request.kind === 'lock' && outcome.kind === 'ok');
  if (held.length === 0) return [];
  const lives = livesOf(log);
  const certain = certainOf(history, log);
  return held.flatMap((operation) => checkHeld(operation, lives, certain));
}

function livesOf({ first, changes }: Log): Life[] {
  const lives: Life[] = [];
  const open = new Map<string, Life>();
  for (const [i, change] of changes.entries()) {
    for (const { kind, kv } of change) {
      const life = open.get(kv.key);
      if (kind === 'delete') {
        if (life !== undefined) life.to = first + 1 + i;
        open.delete(kv.key);
      } else if (life === undefined) {
        const begun = { key: kv.key, from: first + 1 + i, to: Number.POSITIVE_INFINITY };
        open.set(kv.key, begun);
        lives.push(begun);
      }
    }
  }
  return lives;
}

function checkHeld(operation: Operation, lives: readonly Life[], certain: Certain): Violation[] {
  const { request, outcome } = operation;
  if (request.kind !== 'lock' || outcome.kind !== 'ok' || outcome.response.kind !== 'lock') return [];
  const { key, revision } = outcome.response;
  const there = lives.filter(({ from, to }) => from <= revision && revision < to);
  const own = there.find((life) => life.key === key);
  // What is not certain may have been the other way round.
  const allCertain = (from: number): boolean => {
    for (let each = from; each <= revision; each++) if (!certain(each)) return false;
    return true;
  };
  if (own === undefined) {
    const made = lives.find((life) => life.key === key)?.from ?? Number.POSITIVE_INFINITY;
    if (!allCertain(Math.min(made, revision))) return [];
    const text = `#${operation.id} was told to hold ${request.name} at revision ${revision}, when its key was not there`;
    return [{ guarantee: 'locks', text, evidence: [renderOperation(operation)] }];
  }
  const older = there.find((life) => life.key.startsWith(`${request.name}/`) && life.from < own.from);
  if (older === undefined || !allCertain(older.from)) return [];
  const text = `#${operation.id} was told to hold ${request.name} at revision ${revision}, when ${older.key} held it`;
  const evidence = [renderOperation(operation), `${older.key} is there from revision ${older.from} to ${older.to}`];
  return [{ guarantee: 'locks', text, evidence }];
}

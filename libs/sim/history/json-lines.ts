// A history as text, one record per line, so that parts of a long one can be looked at with line tools.
import {
  type Base,
  emptyBase,
  type FaultRecord,
  type History,
  type LeaderObservation,
  type MemberHash,
  type SpaceReport,
} from './history.ts';
import type { Operation } from './operation.ts';
import type { Watch, WatchResponse } from './watch.ts';

type Line =
  | { readonly base: Base }
  | { readonly operation: Operation }
  | { readonly watch: Omit<Watch, 'responses'> }
  | { readonly watchId: number; readonly response: WatchResponse }
  | { readonly hash: MemberHash }
  | { readonly leader: LeaderObservation }
  | { readonly fault: FaultRecord }
  | { readonly space: SpaceReport };

/** The lines without their ends. A watch comes before its responses. */
export function* toLines(history: History): Generator<string> {
  for (const line of linesOf(history)) yield JSON.stringify(line);
}

function* linesOf(history: History): Generator<Line> {
  yield { base: history.base };
  for (const operation of history.operations) yield { operation };
  for (const { responses, ...watch } of history.watches) {
    yield { watch };
    for (const response of responses) yield { watchId: watch.id, response };
  }
  for (const hash of history.hashes) yield { hash };
  for (const leader of history.leaders) yield { leader };
  for (const fault of history.faults) yield { fault };
  for (const space of history.space) yield { space };
}

/** The opposite of `toLines`; empty lines are skipped. Throws SyntaxError at a line that is no record. */
export function fromLines(lines: Iterable<string>): History {
  let base = emptyBase;
  const operations: Operation[] = [];
  const watches = new Map<number, Omit<Watch, 'responses'> & { responses: WatchResponse[] }>();
  const hashes: MemberHash[] = [];
  const leaders: LeaderObservation[] = [];
  const faults: FaultRecord[] = [];
  const space: SpaceReport[] = [];
  for (const text of lines) {
    if (text === '') continue;
    const line = JSON.parse(text) as Line;
    if ('base' in line) base = line.base;
    else if ('operation' in line) operations.push(line.operation);
    else if ('watch' in line) watches.set(line.watch.id, { ...line.watch, responses: [] });
    else if ('watchId' in line) responsesOf(watches, line.watchId).push(line.response);
    else if ('hash' in line) hashes.push(line.hash);
    else if ('leader' in line) leaders.push(line.leader);
    else if ('fault' in line) faults.push(line.fault);
    else if ('space' in line) space.push(line.space);
    else throw new SyntaxError(`not a record of a history: ${text.slice(0, 80)}`);
  }
  return { base, operations, watches: [...watches.values()], hashes, leaders, faults, space };
}

function responsesOf(watches: ReadonlyMap<number, { responses: WatchResponse[] }>, id: number): WatchResponse[] {
  const watch = watches.get(id);
  if (watch === undefined) throw new SyntaxError(`a response of watch ${id} comes before the watch`);
  return watch.responses;
}

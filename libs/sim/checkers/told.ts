// What watches were told of each revision, and what not: whoever was told of everything up to a revision and heard nothing of it is
// a witness, too, that nothing it watches was changed there.
import type { History } from '../history/history.ts';
import type { Watch, WatchEvent } from '../history/watch.ts';
import type { Change } from './model.ts';
import { sameEvent } from './same.ts';
import { startOf, wanted } from './watches.ts';

interface Witness {
  readonly watch: Watch;
  /** The first and the last revision it knows all about. */
  readonly from: number;
  readonly to: number;
  readonly events: ReadonlyMap<number, readonly WatchEvent[]>;
}

export class Told {
  readonly #witnesses: readonly Witness[];

  /** Of no watches: everything is possible. */
  constructor(watches: History['watches']) {
    this.#witnesses = watches.flatMap((watch) => witnessOf(watch) ?? []);
  }

  /** Whether all were told of this change what they had to be told. */
  allow(revision: number, change: Change): boolean {
    return this.#witnesses.every(({ watch, from, to, events }) => {
      if (revision < from || revision > to) return true;
      const told = events.get(revision) ?? [];
      const expected = change.filter((event) => wanted(watch, event));
      return (
        told.length === expected.length && told.every((event, i) => expected[i] !== undefined && sameEvent(event, expected[i]))
      );
    });
  }

  /** For the reader of a violation. */
  describe(revision: number): string[] {
    const all = this.#witnesses.flatMap(({ events }) => events.get(revision) ?? []);
    const lines = all.map(({ kind, kv }) => `a watch was told: ${kind} ${kv.key}${kind === 'put' ? ` = ${kv.value}` : ''}`);
    return [...new Set(lines)];
  }
}

function witnessOf(watch: Watch): Witness | undefined {
  const from = startOf(watch);
  if (from === undefined) return undefined;
  const events = new Map<number, WatchEvent[]>();
  let to = 0;
  for (const response of watch.responses) {
    for (const event of response.events) {
      const known = events.get(event.kv.modRevision);
      if (known === undefined) events.set(event.kv.modRevision, [event]);
      else known.push(event);
    }
    // The rest of a revision that comes in parts may not have come.
    if (response.kind === 'progress') to = Math.max(to, response.revision);
    else if (!response.fragment) to = Math.max(to, response.events.at(-1)?.kv.modRevision ?? 0);
  }
  return { watch, from, to, events };
}

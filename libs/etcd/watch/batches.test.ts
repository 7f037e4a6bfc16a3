import fc from 'fast-check';
import { expect, test } from 'vitest';
import { keyRange } from '../mvcc/key-range.ts';
import type { StoreEvent } from '../mvcc/store.ts';
import { Batches } from './batches.ts';
import { Watcher } from './hub.ts';

const sink = { blocked: false, send: () => {}, caughtUp: () => {}, compacted: () => {} };
const spec = { range: keyRange('a', ''), wantsPut: true, wantsDelete: true, startRevision: 0 };
const event = (n: number): StoreEvent => ({ key: `${n}`, type: 'put', kv: Buffer.alloc(0), prevKv: () => undefined });

test('each watcher gets its events in order, and those who get the same ones get one array', () => {
  // For each event, which of six watchers get it.
  fc.assert(
    fc.property(fc.array(fc.subarray([0, 1, 2, 3, 4, 5]), { maxLength: 20 }), (wanted) => {
      const watchers = Array.from({ length: 6 }, () => new Watcher(spec, sink, 1));
      const events = wanted.map((_, n) => event(n));
      const batches = new Batches();
      for (const [n, of] of wanted.entries()) {
        batches.event(events[n] as StoreEvent, (add) => {
          for (const i of of) add(watchers[i] as Watcher);
        });
      }
      const arrays = new Map<string, readonly StoreEvent[]>();
      for (const [i, watcher] of watchers.entries()) {
        const expected = events.filter((_, n) => wanted[n]?.includes(i) === true);
        const batch = batches.of(watcher);
        expect(batch ?? []).toEqual(expected);
        if (batch === undefined) continue;
        const same = expected.map(({ key }) => key).join();
        expect(arrays.get(same) ?? batch).toBe(batch);
        arrays.set(same, batch);
      }
      const visited: Watcher[] = [];
      for (const [watcher, batch] of batches.all()) {
        expect(batch).toBe(batches.of(watcher));
        visited.push(watcher);
      }
      expect(new Set(visited)).toEqual(new Set(watchers.filter((_, i) => wanted.some((of) => of.includes(i)))));
    }),
  );
});

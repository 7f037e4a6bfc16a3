import fc from 'fast-check';
import { expect, test } from 'vitest';
import { SortedList } from './sorted-list.ts';

interface Entry {
  readonly key: string;
  counted: boolean;
}

const key = fc.integer({ min: 0, max: 3000 }).map((n) => String(n).padStart(4, '0'));

test('whatever is inserted, removed and toggled, each range is what a sorted array says', () => {
  const step = fc.oneof(
    // Runs of keys in order, so that chunks fill up and are split at their end.
    fc.record({ kind: fc.constant('run' as const), key, length: fc.integer({ min: 1, max: 900 }) }),
    fc.record({ kind: fc.constantFrom('insert' as const, 'remove' as const, 'toggle' as const), key, length: fc.constant(1) }),
  );
  const bounds = fc.array(fc.tuple(key, fc.option(key, { nil: undefined })), { minLength: 5, maxLength: 5 });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), bounds, (steps, ranges) => {
      const list = new SortedList<Entry>((entry) => entry.counted);
      const model = new Map<string, Entry>();
      for (const { kind, key: first, length } of steps) {
        for (let i = 0; i < length; i++) {
          const at = String(Number(first) + i).padStart(4, '0');
          const entry = model.get(at);
          if ((kind === 'run' || kind === 'insert') && entry === undefined) {
            const added = { key: at, counted: i % 3 !== 0 };
            model.set(at, added);
            list.insert(added);
          } else if (kind === 'remove') {
            model.delete(at);
            list.remove(at);
          } else if (kind === 'toggle' && entry !== undefined) {
            entry.counted = !entry.counted;
            list.toggled(entry);
          }
        }
      }
      expect(list.size).toBe(model.size);
      const sorted = [...model.values()].sort((a, b) => (a.key < b.key ? -1 : 1));
      for (const [from, to] of [...ranges, ['', undefined] as const]) {
        const within = sorted.filter((entry) => entry.key >= from && (to === undefined || entry.key < to));
        const seen: Entry[] = [];
        list.scan(from, to, (entry) => seen.push(entry) > 0);
        expect(seen).toEqual(within);
        expect(list.count(from, to)).toBe(within.filter(({ counted }) => counted).length);
        expect(list.get(from)).toBe(model.get(from));
      }
    }),
    { numRuns: 60 },
  );
});

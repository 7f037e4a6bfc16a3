import { SeededRandom } from '@drydock/foundation/random.ts';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { emptyHistory, type History } from '../history/history.ts';
import type { KeyValue, Operation, Outcome, Request, Response } from '../history/operation.ts';
import { checkLinearizability } from './linearizability.ts';
import { Reference, type ReferenceOptions } from './testing/reference.ts';
import { render } from './violation.ts';
import { isLinearizable } from './wing-gong.ts';

const small: ReferenceOptions = { operations: 14, clients: 3, keys: 2, unknown: 0.2, watches: 1, leases: true };

function reference(seed: number, options: ReferenceOptions): History {
  return new Reference(new SeededRandom(seed).stream('reference'), options).run();
}

let id = 0;
function op(client: string, from: number, to: number, request: Request, outcome: Outcome): Operation {
  return { id: id++, client, invoke: from, return: to, request, outcome };
}
const ok = (response: Response): Outcome => ({ kind: 'ok', response });
const unknown: Outcome = { kind: 'unknown', error: 'lost' };
const kv = (key: string, value: string, modRevision: number, createRevision = modRevision, version = 1): KeyValue => {
  return { key, value, modRevision, createRevision, version, lease: '0' };
};
const put = (key: string, value: string): Request => ({ kind: 'put', key, value });
const get = (key: string): Request => ({ kind: 'range', key });
const putAt = (revision: number) => ok({ kind: 'put', revision });
const found = (revision: number, ...kvs: KeyValue[]) => ok({ kind: 'range', revision, kvs, count: kvs.length, more: false });

function verdict(...operations: Operation[]): string {
  const history = { ...emptyHistory, operations };
  const { violations } = checkLinearizability(history);
  expect(isLinearizable(history)).toBe(violations.length === 0);
  return violations.map(render).join('\n');
}

describe('by hand', () => {
  test('a read sees what was acknowledged before it was asked', () => {
    const write = op('a', 0, 10, put('k', '1'), putAt(2));
    expect(verdict(write, op('b', 20, 30, get('k'), found(2, kv('k', '1', 2))))).toBe('');
    expect(verdict(write, op('b', 5, 30, get('k'), found(1)))).toBe('');
    const stale = verdict(write, op('b', 20, 30, get('k'), found(1)));
    expect(stale).toMatch(/linearizability: #\d+ made a revision that comes after .* before #\d+ was asked/);
  });

  test('a stale read may see the past, and not the future', () => {
    const write = op('a', 10, 20, put('k', '1'), putAt(2));
    const stale = { ...get('k'), serializable: true } as Request;
    expect(verdict(write, op('b', 30, 40, stale, found(1)))).toBe('');
    expect(verdict(write, op('b', 2, 9, stale, found(2, kv('k', '1', 2))))).toMatch(/before #\d+ was asked/);
    expect(verdict(write, op('b', 30, 40, stale, found(1, kv('k', '1', 2))))).toMatch(/saw what no order/);
  });

  test('a write without an answer may take effect late, or never', () => {
    const lost = op('a', 0, 10, put('k', '1'), unknown);
    const other = op('b', 20, 30, put('l', '2'), putAt(2));
    const seen = op('b', 40, 50, get('k'), found(3, kv('k', '1', 3)));
    expect(verdict(lost, other)).toBe('');
    expect(verdict(lost, other, seen)).toBe('');
    expect(verdict(lost, other, seen, op('b', 60, 70, get('k'), found(2)))).toMatch(/linearizability/);
    expect(verdict(lost, other, op('b', 60, 70, get('k'), found(3)))).toMatch(/linearizability/);
  });

  test('a write that nobody asked for is not explained', () => {
    const text = verdict(op('a', 0, 10, get('k'), found(2, kv('k', '1', 2))));
    expect(text).toMatch(/nobody can have made revision 2/);
  });

  test('a watch that heard nothing of a revision says who did not make it', () => {
    const lost = [op('a', 0, 5, put('j', '1'), unknown), op('b', 1, 5, put('k', '2'), unknown)];
    const last = op('c', 10, 20, put('z', '3'), putAt(3));
    const filters = { startRevision: 2, prevKv: false, noPut: false, noDelete: false, progressNotify: true };
    const told = (key: string): History => {
      const created = { time: 0, kind: 'created', revision: 1, events: [] } as const;
      const responses = [created, { time: 30, kind: 'progress', revision: 3, events: [] } as const];
      const watch = { id: 0, client: 'w', invoke: 0, request: { ...filters, key }, responses };
      return { ...emptyHistory, operations: [...lost, last], watches: [watch] };
    };
    expect(checkLinearizability(told('k')).log?.[0]?.[0]?.kv.key).toBe('j');
    expect(checkLinearizability(told('j')).log?.[0]?.[0]?.kv.key).toBe('k');
  });

  test('two acknowledged writes have not made the same revision', () => {
    expect(verdict(op('a', 0, 10, put('k', '1'), putAt(2)), op('b', 0, 10, put('l', '1'), putAt(2)))).toMatch(/^revisions:/);
  });

  test('which of several writes without an answer made a revision is found by what was seen later', () => {
    const lost = Array.from({ length: 5 }, (_, i) => op(`a${i}`, 0, 5, put(`k${i % 2}`, `v${i}`), unknown));
    const last = op('b', 10, 20, put('z', ''), putAt(5));
    const seen = op('b', 30, 40, get('k1'), found(5, kv('k1', 'v3', 4, 3, 2)));
    expect(verdict(...lost, last, seen)).toBe('');
    const impossible = op('b', 50, 60, get('k1'), found(5, kv('k1', 'v3', 4, 3, 3)));
    expect(verdict(...lost, last, impossible)).toMatch(/linearizability/);
  });
});

describe('histories of the reference', { timeout: 60_000 }, () => {
  test('pass, and both searches agree', () => {
    fc.assert(
      fc.property(fc.integer(), (seed) => {
        const history = reference(seed, small);
        expect(checkLinearizability(history).violations.map(render)).toEqual([]);
        expect(isLinearizable(history)).toBe(true);
      }),
      { numRuns: 300 },
    );
  });

  test('the search by revisions and the plain search agree on histories that were tampered with', () => {
    let refused = 0;
    fc.assert(
      fc.property(fc.integer(), fc.nat(), fc.nat(), fc.nat(), (seed, which, other, how) => {
        const history = tamper(plain(reference(seed, { ...small, operations: 11, watches: 0 })), which, other, how % 6);
        const { violations } = checkLinearizability(history);
        expect(isLinearizable(history)).toBe(violations.length === 0);
        if (violations.length > 0) refused++;
      }),
      { numRuns: 1500 },
    );
    expect(refused).toBeGreaterThan(100);
  });

  test('thousands of operations and hundreds of unknown outcomes take seconds', () => {
    for (const watches of [0, 2]) {
      const history = reference(7, { operations: 6000, clients: 12, keys: 8, unknown: 0.08, watches, leases: true });
      const started = performance.now();
      const { violations, steps } = checkLinearizability(history);
      expect(violations.map(render)).toEqual([]);
      expect(history.operations.filter(({ outcome }) => outcome.kind === 'unknown').length).toBeGreaterThan(300);
      expect(performance.now() - started, `${steps} steps`).toBeLessThan(10_000);
    }
  });
});

/** Without what the plain search does not look at: reads at old revisions, and the revisions that answers about leases carry. */
function plain(history: History): History {
  const operations = history.operations.filter(({ request }) => request.kind !== 'range' || !request.revision);
  return { ...history, operations: operations.map((each) => (each.request.kind.startsWith('lease') ? atBase(each) : each)) };
}

function atBase(operation: Operation): Operation {
  const { outcome } = operation;
  return outcome.kind === 'ok' ? { ...operation, outcome: ok({ ...outcome.response, revision: 1 }) } : operation;
}

/** One change to one or two operations, of a kind that a broken store could have caused. */
function tamper(history: History, which: number, other: number, how: number): History {
  const operations = [...history.operations];
  const i = which % operations.length;
  const j = other % operations.length;
  const [a, b] = [operations[i], operations[j]];
  if (a === undefined || b === undefined) return history;
  const shift = (by: number) => {
    if (a.outcome.kind !== 'ok' || a.request.kind.startsWith('lease')) return a;
    const revision = Math.max(1, a.outcome.response.revision + by);
    return { ...a, outcome: { kind: 'ok', response: { ...a.outcome.response, revision } } } as Operation;
  };
  if (how === 0) operations[i] = shift(-1);
  if (how === 1) operations[i] = shift(1);
  if (how === 2) operations.splice(i, 1);
  if (how === 3) operations[i] = { ...a, outcome: { kind: 'failed', error: 'tampered' } };
  if (how === 4) operations[i] = { ...a, outcome: unknown };
  if (how === 5 && a.request.kind === b.request.kind) {
    operations[i] = { ...a, outcome: b.outcome };
    operations[j] = { ...b, outcome: a.outcome };
  }
  return { ...history, operations };
}

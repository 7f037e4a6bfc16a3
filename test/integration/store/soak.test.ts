// The soak in short, on a store of three: all its parts work together, and find nothing wrong.
import { expect, test } from 'vitest';
import { renderTally, soak, soakFlags } from '../../soak/soak.ts';
import { ourProgram } from './members.ts';

const seconds = 1000;

test('clients of a store under faults are told nothing that etcd does not allow', { timeout: 240 * seconds }, async () => {
  const lines: string[] = [];
  const tally = await soak({
    totalMs: 10 * seconds,
    roundMs: 10 * seconds,
    sizes: [3],
    seed: 'short',
    program: ourProgram,
    flags: soakFlags,
    signal: new AbortController().signal,
    report: (line) => lines.push(line),
  });
  expect(lines.join('\n')).not.toMatch(/history, violations and logs/);
  expect(tally.violations, renderTally(tally, 0)).toBe(0);
  expect(tally.operations).toBeGreaterThan(20);
  expect(tally.watchEvents).toBeGreaterThan(0);
  expect(tally.terms).toBeGreaterThan(0);
  expect([...tally.faults.values()].length).toBeGreaterThan(0);
});

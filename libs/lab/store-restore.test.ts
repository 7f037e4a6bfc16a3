import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { machineFacts } from './machine/facts.ts';
import { processesOf } from './processes.ts';
import { planRestore, revisionDistance, snapshotRevision } from './store-restore.ts';
import { testTopology } from './testing.ts';

test('a restored store begins beyond every revision that any client can have seen', () => {
  const first = planRestore(500, 0);
  expect(first).toEqual({ bump: revisionDistance, revision: 500 + revisionDistance });
  // A snapshot from before that restore, and one from after it.
  expect(planRestore(300, first.revision).revision).toBe(first.revision + revisionDistance);
  const later = planRestore(first.revision + 70, first.revision);
  expect(later.revision).toBeGreaterThan(first.revision + 70);
  expect(planRestore(300, later.revision).revision).toBeGreaterThan(later.revision);
});

/** A program starts in half a second; in ten of them where a machine does much else. */
const patience = { timeout: 120_000 };

test('a file that is no snapshot is refused by its name', patience, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'snapshot-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const topology = testTopology();
  const here = { ...topology, paths: { ...topology.paths, repo: fileURLToPath(new URL('../..', import.meta.url)) } };
  const [member] = processesOf({ topology: here, machine: machineFacts() });
  if (member === undefined) throw new Error('no member');
  for (const [name, text] of [
    ['short', 'hello'],
    ['long', 'x'.repeat(10_000)],
    ['missing', undefined],
  ] as const) {
    const file = join(folder, name);
    if (text !== undefined) writeFileSync(file, text);
    await expect(snapshotRevision(here, member, file)).rejects.toThrow(file);
  }
});

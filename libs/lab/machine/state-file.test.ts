// The lock of a lab: one command at a time, whatever a dead one has left.
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { spawn } from '@drydock/foundation/child-process.ts';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { lockLab } from './state-file.ts';

const taker = fileURLToPath(new URL('./testing/lock-taker.ts', import.meta.url));
let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'lock-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Two that wait for each other at every step take long where others have the processors. */
const patience = { timeout: 120_000 };

test('a lock of a process that has ended is taken by one, of all that find it at one instant', patience, async () => {
  const count = 100;
  for (let round = 0; round < count; round++) {
    mkdirSync(join(folder, `${round}.lab`));
    // Nobody has that pid: it is beyond what the kernel gives out.
    writeFileSync(join(folder, `${round}.lab`, 'lock'), JSON.stringify({ pid: 2 ** 23, startTime: 1, verb: 'up' }));
  }
  const children = Array.from({ length: 2 }, () =>
    spawn(process.execPath, [taker, folder, String(count)], { stdio: ['pipe', 'pipe', 'inherit'] }),
  );
  try {
    writeFileSync(join(folder, 'peers'), children.map(({ pid }) => pid).join(' '));
    const taken = await Promise.all(
      children.map(async ({ stdin, stdout }) => {
        stdin?.write('go\n');
        if (stdout === null) throw new Error('no output');
        for await (const line of createInterface(stdout)) return JSON.parse(line) as number[];
        throw new Error('it ended without a word');
      }),
    );
    expect(taken.flat().sort((a, b) => a - b)).toEqual(Array.from({ length: count }, (_, round) => round));
    for (let round = 0; round < count; round++) expect(readdirSync(join(folder, `${round}.lab`))).toEqual(['lock']);
  } finally {
    for (const child of children) child.kill('SIGKILL');
  }
});

test('a taker that died while it removed a dead lock, and a damaged lock, are in nobody’s way', () => {
  const dead = JSON.stringify({ pid: 2 ** 23, startTime: 1, verb: 'up' });
  writeFileSync(join(folder, 'lock'), dead);
  writeFileSync(join(folder, `lock.${2 ** 23}-1`), JSON.stringify({ pid: 2 ** 23 + 1, startTime: 1, verb: 'down' }));
  const unlock = lockLab(folder, 'up');
  expect(() => lockLab(folder, 'down')).toThrow(/`drydock up` is at work/);
  unlock();
  expect(readdirSync(folder)).toEqual([]);
  for (const text of ['', '{', 'null', '{}', '[]']) {
    writeFileSync(join(folder, 'lock'), text);
    lockLab(folder, 'up')();
    expect(readdirSync(folder)).toEqual([]);
  }
});

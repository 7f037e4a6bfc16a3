import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fork } from '@drydock/foundation/child-process.ts';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Backend } from './backend.ts';
import { Defragmentation, DefragmentError } from './defragment.ts';
import { openLmdbBackend } from './lmdb-backend.ts';
import { LmdbEnvironment } from './lmdb-environment.ts';
import { checkCommits, writeCommit } from './testing/revisions-model.ts';

const script = new URL('./testing/defragment-process.ts', import.meta.url).pathname;
const everything = Number.MAX_SAFE_INTEGER - 1;

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'defragment-'));
});

afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

const fileBytes = (): number => statSync(join(folder, 'data.mdb')).size;

function fill(backend: Backend, commits: number): void {
  for (let i = 1; i <= commits; i++) writeCommit(backend, i);
}

/** Ten megabytes that are there, or not any more. */
async function ballast(backend: Backend, there: boolean): Promise<void> {
  for (let i = 0; i < 100; i++) backend.setRecord('lease', `${i}`, there ? Buffer.alloc(100_000, i) : undefined);
  await backend.commit();
}

test('gives space back; what is written meanwhile is there, before and after a restart', async () => {
  let backend = openLmdbBackend(folder);
  fill(backend, 300);
  await ballast(backend, true);
  await ballast(backend, false);
  await backend.sync();
  const before = { ...backend.sizes(), file: fileBytes() };
  const running = backend.defragment();
  let commits = 300;
  let done = false;
  void running.then(() => {
    done = true;
  });
  while (!done) {
    writeCommit(backend, ++commits);
    // As fast as the disk, as a log would be.
    if (commits % 10 === 0) await backend.commit();
    await new Promise((resolve) => setImmediate(resolve));
  }
  expect(commits).toBeGreaterThan(300);
  expect(checkCommits(backend)).toBe(commits);
  expect(fileBytes()).toBeLessThan(before.file / 2);
  expect(backend.sizes().totalBytes).toBeLessThan(before.totalBytes / 2);

  writeCommit(backend, ++commits);
  await backend.defragment();
  writeCommit(backend, ++commits);
  await backend.sync();
  await backend.close();

  backend = openLmdbBackend(folder);
  expect(checkCommits(backend)).toBe(commits);
  expect(readdirSync(folder).sort()).toEqual(['data.mdb', 'lock.mdb']);
  await backend.close();
});

test('a snapshot that is being read keeps showing what it showed, and the old file until then', async () => {
  const backend = openLmdbBackend(folder);
  fill(backend, 200);
  const snapshot = backend.snapshot();
  const running = backend.defragment();
  const first = [...snapshot.entries('meta')].length;
  for (let i = 201; i <= 400; i++) {
    writeCommit(backend, i);
    await new Promise((resolve) => setImmediate(resolve));
  }
  const keys = [...snapshot.entries('key')].map(({ key }) => Number(key.readBigUInt64BE()));
  expect(keys.at(-1)).toBe(200);
  expect([...snapshot.entries('meta')]).toHaveLength(first);
  snapshot.release();
  await running;
  expect(checkCommits(backend)).toBe(400);
  await backend.close();
});

test('is given up where the content is replaced; calls at the same time are one', async () => {
  const backend = openLmdbBackend(folder);
  fill(backend, 200);
  const running = backend.defragment();
  expect(backend.defragment()).toBe(running);
  const replacement = await backend.replace();
  await Promise.all([replacement.finish(() => {}), running.catch(() => {})]);
  await expect(running).rejects.toThrow(DefragmentError);
  expect([...backend.revisions(0, everything)]).toEqual([]);
  // The lock of the file that is in use is where the file was made.
  expect(readdirSync(folder).sort()).toEqual(['data.mdb', 'lock.mdb', 'replacement-0']);
  writeCommit(backend, 1);
  await backend.defragment();
  expect(checkCommits(backend)).toBe(1);
  await backend.close();
});

test('does not begin where the disk has no room for a second file', async () => {
  const old = new LmdbEnvironment(folder);
  const nothing = () => {};
  const ports = { folder, old, freeBytes: () => 1 << 20, switchTo: nothing, reached: nothing };
  const turns = { commit: async () => {}, exclusively: async <T>(work: () => T) => work() };
  await expect(new Defragmentation({ ...ports, ...turns }, 0).run()).rejects.toThrow(/needs \d+ bytes .* but 1048576 are free/);
  expect(readdirSync(folder).sort()).toEqual(['data.mdb', 'lock.mdb']);
  await old.close();
});

const places = [
  'defragmentCopied',
  'defragmentCaughtUp',
  'defragmentSwitched',
  'defragmentSynced',
  'defragmentRenamed',
] as const;

test.each(places)(
  'killed when it has %s: whole commits are there, all that were durable among them',
  { timeout: 30_000 },
  async (place) => {
    const child = fork(script, [folder, place], { execArgv: [] });
    let durable = 0;
    child.on('message', (commits: number) => {
      durable = Math.max(durable, commits);
    });
    const [, signal] = await once(child, 'exit');
    expect(signal).toBe('SIGKILL');
    const backend = openLmdbBackend(folder);
    expect(checkCommits(backend)).toBeGreaterThanOrEqual(durable);
    expect(readdirSync(folder).sort()).toEqual(['data.mdb', 'lock.mdb']);
    await backend.close();
  },
);

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openLmdbBackend } from './lmdb-backend.ts';
import { DataFileError } from './lmdb-file.ts';

let folder: string;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'data-file-'));
  const backend = openLmdbBackend(folder);
  for (let main = 2; main < 500; main++) backend.put(main, 0, false, Buffer.alloc(1000, `${main}`));
  await backend.commit();
  await backend.sync();
  await backend.close();
});

afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

function damage(change: (bytes: Buffer) => Buffer): void {
  const file = join(folder, 'data.mdb');
  writeFileSync(file, change(readFileSync(file)));
}

const read = (): void => {
  const backend = openLmdbBackend(folder);
  for (const _ of backend.revisions(0, 1000));
};

test.each<[string, (bytes: Buffer) => Buffer]>([
  ['its head overwritten', (bytes) => bytes.fill(0xa5, 0, 8192)],
  ['its second head overwritten', (bytes) => bytes.fill(0, 4096, 8192)],
  ['its end cut off', (bytes) => bytes.subarray(0, 2 * 4096)],
  ['less than a head', (bytes) => bytes.subarray(0, 100)],
  ['zeros for its trees', (bytes) => bytes.fill(0, 8192)],
])('a file with %s is refused with what to do', (_, change) => {
  damage(change);
  expect(read).toThrow(DataFileError);
  expect(read).toThrow(/data\.mdb.*etcdctl member remove/);
});

test('an empty file is a new one, a whole one is left alone', async () => {
  const before = readFileSync(join(folder, 'data.mdb'));
  read();
  expect(readFileSync(join(folder, 'data.mdb')).length).toBe(before.length);
  rmSync(folder, { recursive: true });
  folder = mkdtempSync(join(tmpdir(), 'data-file-'));
  writeFileSync(join(folder, 'data.mdb'), '');
  read();
});

// What the port promises of names: they are there after a power failure. That takes a sync of the folder which holds them, so every
// call that makes, moves or removes one is followed through: when it returns, no folder may be left that was changed and not synced.
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, afterEach, beforeEach, expect, test, vi } from 'vitest';

const seen = vi.hoisted(() => ({ unsynced: new Set<string>(), synced: [] as string[] }));

vi.mock('node:fs/promises', async (importOriginal) => {
  const real = await importOriginal<typeof import('node:fs/promises')>();
  const { dirname: folderOf } = await import('node:path');
  return {
    ...real,
    mkdir: async (path: string, options: { recursive: true; mode: number }) => {
      const first = await real.mkdir(path, options);
      for (let made = path; first !== undefined && made.length >= first.length; made = folderOf(made)) {
        seen.unsynced.add(folderOf(made));
      }
      return first;
    },
    rename: async (from: string, to: string) => {
      await real.rename(from, to);
      for (const name of [from, to]) seen.unsynced.add(folderOf(name));
    },
    unlink: async (path: string) => {
      await real.unlink(path);
      seen.unsynced.add(folderOf(path));
    },
    open: async (path: string, flags: string) => {
      const handle = await real.open(path, flags);
      const { sync } = handle;
      handle.sync = async () => {
        await sync.call(handle);
        seen.unsynced.delete(path);
        seen.synced.push(path);
      };
      return handle;
    },
  };
});

// Another file of this worker may have loaded it over the real one, and is not to find it over this one.
vi.resetModules();
afterAll(() => {
  vi.resetModules();
});
const { makeFolderDurably, NodeDisk } = await import('./node-disk.ts');

let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'node-disk-'));
  seen.unsynced.clear();
  seen.synced.length = 0;
});

afterEach(() => {
  rmSync(root, { recursive: true, force: true });
});

test('no call returns before the names that it changed are durable', async () => {
  const disk = new NodeDisk(root);
  const steps: (() => Promise<unknown>)[] = [
    () => disk.makeFolder('member/wal'),
    () => disk.open('member/wal/a', 'create').then((file) => file.close()),
    () => disk.rename('member/wal/a', 'member/wal/b'),
    () => disk.makeFolder('member/snap'),
    () => disk.rename('member/wal/b', 'member/snap/c'),
    () => disk.writeAtomic('member/d', Buffer.from('d')),
    () => disk.remove('member/snap/c'),
  ];
  for (const [i, step] of steps.entries()) {
    seen.synced.length = 0;
    await step();
    expect([...seen.unsynced], `step ${i}`).toEqual([]);
    // Files are made past what is watched here: their folders are synced all the same.
    expect(seen.synced.length, `step ${i}`).toBeGreaterThan(0);
  }
});

test('folders that an earlier life has made and not synced are durable as well', async () => {
  mkdirSync(join(root, 'data/member/db'), { recursive: true });
  await makeFolderDurably(join(root, 'data/member/db'), join(root, 'data'));
  expect(seen.synced.sort()).toEqual([root, join(root, 'data'), join(root, 'data/member')].sort());
});

test('so are those above the root that were missing', async () => {
  await makeFolderDurably(join(root, 'a/b/data/member'), join(root, 'a/b/data'));
  expect([...seen.unsynced]).toEqual([]);
  expect(seen.synced).toContain(root);
  expect(seen.synced).not.toContain(dirname(root));
});

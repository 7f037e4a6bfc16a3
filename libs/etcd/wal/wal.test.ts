// The log against power failures, damage, full disks; on the simulated disk and, where it matters, on the real one.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Disk } from '@drydock/foundation/disk.ts';
import { MemoryDisk } from '@drydock/foundation/memory-disk.ts';
import { NodeDisk } from '@drydock/foundation/node-disk.ts';
import { SeededRandom } from '@drydock/foundation/random.ts';
import type { Entry, HardState } from 'raft-ts/types.ts';
import { afterEach, describe, expect, test } from 'vitest';
import { createWal, openWal, type Wal, walExists } from './wal.ts';

const folder = 'wal';
const metadata = Buffer.from('cluster 1 member 2');
const conf = { voters: [1n], learners: [], votersOutgoing: [], learnersNext: [], autoLeave: false };
const hard = (term: number, commit: number): HardState => ({ term, vote: 7n, commit });
const segmentBytes = 4096;

function entry(index: number, term = 1, size = 20): Entry {
  return { index, term, type: 'normal', data: Buffer.from(`entry ${index} of ${term} `.padEnd(size, '.')) };
}

function range(from: number, to: number, term = 1, size = 20): Entry[] {
  return Array.from({ length: to - from + 1 }, (_, i) => entry(from + i, term, size));
}

const texts = (entries: readonly Entry[]): string[] => entries.map(({ index, term }) => `${index}@${term}`);
const place = (disk: Disk) => ({ disk, folder, segmentBytes });
const folders: string[] = [];

afterEach(async () => {
  for (const path of folders.splice(0)) await rm(path, { recursive: true });
});

async function realDisk(): Promise<Disk> {
  const path = await mkdtemp(join(tmpdir(), 'drydock-wal-'));
  folders.push(path);
  return new NodeDisk(path);
}

describe.each([
  ['in memory', async (): Promise<Disk> => new MemoryDisk()],
  ['real', realDisk],
])('on a disk that is %s', (_, makeDisk) => {
  test('what was saved is there when it is opened again', async () => {
    const disk = await makeDisk();
    expect(await walExists(disk, folder)).toBe(false);
    const wal = await createWal(place(disk), metadata);
    await wal.save(hard(1, 0), range(1, 5), true);
    await wal.save(hard(2, 3), range(4, 6, 2), true);
    await wal.close();
    const { wal: again, recovered } = await openWal(place(disk));
    expect(Buffer.from(recovered.metadata).toString()).toBe('cluster 1 member 2');
    expect(recovered.hardState).toEqual(hard(2, 3));
    // Entries 4 and 5 of term 1 were replaced.
    expect(texts(recovered.entries)).toEqual(['1@1', '2@1', '3@1', '4@2', '5@2', '6@2']);
    expect(recovered.tornBytes).toBe(0);
    await again.save(undefined, range(7, 7, 2), true);
    await again.close();
    const third = await openWal(place(disk));
    expect(texts(third.recovered.entries).at(-1)).toBe('7@2');
    await third.wal.close();
  });

  test('segments are cut when they are full, and removed when a snapshot has what is in them', async () => {
    const disk = await makeDisk();
    const wal = await createWal(place(disk), metadata);
    for (let index = 1; index <= 100; index++) await wal.save(hard(1, index - 1), [entry(index, 1, 200)], true);
    const before = wal.segmentCount;
    expect(before).toBeGreaterThan(4);
    await wal.saveSnapshot({ index: 60, term: 1, conf }, false);
    const removed = await wal.release();
    expect(removed).toBeGreaterThan(1);
    await wal.close();
    expect((await disk.list(folder)).filter((name) => name.endsWith('.wal'))).toHaveLength(before - removed);
    const { wal: again, recovered } = await openWal(place(disk));
    expect(recovered.snapshot).toEqual({ index: 60, term: 1, conf });
    expect(texts(recovered.entries)).toEqual(texts(range(61, 100)));
    await again.close();
  });

  test('an installed snapshot voids the log before it', async () => {
    const disk = await makeDisk();
    const wal = await createWal(place(disk), metadata);
    await wal.save(hard(1, 0), range(1, 10), true);
    await wal.saveSnapshot({ index: 500, term: 4, conf }, true, hard(4, 500));
    await wal.save(undefined, range(501, 502, 4), true);
    await wal.close();
    const { wal: again, recovered } = await openWal(place(disk));
    expect([recovered.snapshot.index, recovered.hardState, texts(recovered.entries)]).toEqual([
      500,
      hard(4, 500),
      ['501@4', '502@4'],
    ]);
    await again.close();
  });
});

test('whatever power takes, what was synced is there, and nothing else that is whole follows it', async () => {
  for (let seed = 1; seed <= 150; seed++) {
    const random = new SeededRandom(seed).stream('power');
    const disk = new MemoryDisk();
    let wal: Wal = await createWal(place(disk), metadata);
    let durable: Entry[] = [];
    let index = 1;
    for (let life = 0; life < 4; life++) {
      for (let round = random.int(12); round > 0; round--) {
        const batch = range(index, index + random.int(4), life + 1, random.int(900));
        await wal.save(hard(life + 1, 0), batch, true);
        durable.push(...batch);
        index += batch.length;
      }
      // Under way when the power fails: any part of it may be there.
      const lost = range(index, index + 3, life + 1, 700);
      const saving = wal.save(hard(life + 1, 1), lost, false).catch(() => undefined);
      for (let turn = random.int(12); turn > 0; turn--) await Promise.resolve();
      disk.powerOff(random);
      await saving;
      await wal.close();
      disk.powerOn();
      const opened = await openWal(place(disk));
      const found = texts(opened.recovered.entries);
      expect(found.slice(0, durable.length), `seed ${seed}`).toEqual(texts(durable));
      expect(texts([...durable, ...lost]).slice(0, found.length), `seed ${seed}`).toEqual(found);
      wal = opened.wal;
      durable = [...opened.recovered.entries];
      index = durable.length + 1;
    }
    await wal.close();
  }
});

describe('damage', () => {
  async function written(): Promise<{ disk: MemoryDisk; file: string }> {
    const disk = new MemoryDisk();
    const wal = await createWal(place(disk), metadata);
    for (let index = 1; index <= 8; index++) await wal.save(hard(1, 0), [entry(index, 1, 100)], true);
    await wal.close();
    const file = (await disk.list(folder)).find((name) => name.endsWith('.wal')) ?? '';
    return { disk, file: `${folder}/${file}` };
  }

  test.each([300, 400, 500, 640])('a changed byte at %i, with later records after it, is refused', async (offset) => {
    const { disk, file } = await written();
    disk.corrupt(file, offset);
    await expect(openWal(place(disk))).rejects.toMatchObject({ name: 'WalError', code: 'damaged' });
    await expect(openWal(place(disk))).rejects.toThrow(/does not match its checksum.*etcdctl member remove/s);
  });

  test('a changed byte in the last record is a torn tail', async () => {
    const { disk, file } = await written();
    const { recovered, wal } = await openWal(place(disk));
    await wal.close();
    disk.corrupt(file, recovered.end.offset - 60);
    const again = await openWal(place(disk));
    expect(again.recovered.entries).toHaveLength(7);
    expect(again.recovered.tornBytes).toBeGreaterThan(0);
    await again.wal.close();
  });

  test('a missing segment is refused', async () => {
    const disk = new MemoryDisk();
    const wal = await createWal(place(disk), metadata);
    for (let index = 1; index <= 60; index++) await wal.save(undefined, [entry(index, 1, 300)], true);
    await wal.close();
    const names = (await disk.list(folder)).filter((name) => name.endsWith('.wal'));
    await disk.remove(`${folder}/${names[1]}`);
    await expect(openWal(place(disk))).rejects.toThrow(/after number 0 is missing/);
  });

  test('no log at all', async () => {
    await expect(openWal(place(new MemoryDisk()))).rejects.toMatchObject({ code: 'missing' });
  });
});

test('everything that waits shares one sync', async () => {
  const disk = new MemoryDisk();
  const wal = await createWal(place(disk), metadata);
  const before = disk.syncs;
  await Promise.all(range(1, 20).map((one) => wal.save(undefined, [one], true)));
  // The first goes alone, the others gather behind it.
  expect(disk.syncs - before).toBe(2);
  await wal.close();
});

test.each([
  ['ENOSPC', 'noSpace', /no space left on the disk of the data directory/],
  ['EIO', 'failed', /i\/o error/],
] as const)('after %s nothing more is taken, and what was acknowledged is there', async (fault, code, message) => {
  const disk = new MemoryDisk();
  const wal = await createWal(place(disk), metadata);
  await wal.save(hard(1, 0), range(1, 3), true);
  disk.fault = fault;
  await expect(wal.save(undefined, range(4, 4), true)).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
  disk.fault = undefined;
  await expect(wal.save(undefined, range(4, 4), true)).rejects.toMatchObject({ code });
  await wal.close();
  disk.powerOff();
  disk.powerOn();
  const { recovered, wal: again } = await openWal(place(disk));
  expect(texts(recovered.entries)).toEqual(['1@1', '2@1', '3@1']);
  await again.close();
});

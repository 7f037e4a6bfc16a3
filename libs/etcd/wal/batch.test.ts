// Every place at which a crash can tear a batch, between its records: what is left must be true of the log that is left.
import { MemoryDisk } from '@drydock/foundation/memory-disk.ts';
import type { Entry, EntryType, HardState } from 'raft-ts/types.ts';
import { expect, test } from 'vitest';
import { readFrame } from './frame.ts';
import { recover } from './recover.ts';
import { createWal, type Wal } from './wal.ts';

const folder = 'wal';
const conf = { voters: [1n], learners: [], votersOutgoing: [], learnersNext: [], autoLeave: false };
const hard = (term: number, commit: number): HardState => ({ term, vote: 7n, commit });
const entry = (index: number, term: number, type: EntryType = 'normal'): Entry => ({
  index,
  term,
  type,
  data: Buffer.from(`${index}@${term}`),
});

/** The log after `before`, and then after every number of the records of `torn`. */
async function tornAnywhere(before: (wal: Wal) => Promise<void>, torn: (wal: Wal) => Promise<void>) {
  const disk = new MemoryDisk();
  const wal = await createWal({ disk, folder, segmentBytes: 8192 }, Buffer.from('m'));
  await before(wal);
  const name = `${folder}/${(await disk.list(folder))[0]}`;
  const file = await disk.open(name, 'read');
  const endOf = (bytes: Uint8Array): number[] => {
    const ends: number[] = [];
    for (let frame = readFrame(bytes, 0); typeof frame !== 'string'; frame = readFrame(bytes, frame.end)) ends.push(frame.end);
    return ends;
  };
  const whole = endOf(await file.read(0, await file.size())).length;
  await torn(wal);
  const bytes = await file.read(0, await file.size());
  const states = [];
  for (const end of endOf(bytes).slice(whole - 1)) {
    const left = new MemoryDisk();
    const cut = new Uint8Array(bytes.length);
    cut.set(bytes.subarray(0, end));
    await left.makeFolder(folder);
    await left.writeAtomic(name, cut);
    states.push(await recover(left, folder));
  }
  return states;
}

test('whoever has an entry behind a committed change of membership knows that the change is committed', async () => {
  const states = await tornAnywhere(
    (wal) => wal.save(hard(1, 1), [entry(1, 1), entry(2, 1)], true),
    (wal) => wal.save(hard(2, 5), [entry(3, 2, 'configChange'), entry(4, 2, 'configChange'), entry(5, 2), entry(6, 2)], true),
  );
  expect(states.length).toBeGreaterThan(5);
  for (const { entries, hardState } of states) {
    const behind = entries.filter(({ type }, i) => type === 'configChange' && i < entries.length - 1);
    for (const { index } of behind) expect(hardState.commit).toBeGreaterThanOrEqual(index);
    expect(hardState.term).toBeGreaterThanOrEqual(entries.at(-1)?.term ?? 0);
    expect(hardState.commit).toBeLessThanOrEqual(entries.at(-1)?.index ?? 0);
  }
  expect(states.at(-1)?.hardState).toEqual(hard(2, 5));
});

test('entries that are about to be replaced are never said to be committed', async () => {
  const states = await tornAnywhere(
    (wal) =>
      wal.save(
        hard(1, 2),
        [1, 2, 3, 4, 5, 6].map((index) => entry(index, 1)),
        true,
      ),
    (wal) => wal.save(hard(2, 5), [entry(3, 2), entry(4, 2), entry(5, 2), entry(6, 2)], true),
  );
  for (const { entries, hardState } of states) {
    const lost = entries.filter(({ index, term }) => index > 2 && term === 1).map(({ index }) => index);
    for (const index of lost) expect(hardState.commit).toBeLessThan(index);
  }
});

test.each([4, 5, 6, 9])('a snapshot up to entry %i, installed over a log of another term that goes on to 6', async (index) => {
  const states = await tornAnywhere(
    (wal) =>
      wal.save(
        hard(1, 2),
        [1, 2, 3, 4, 5, 6].map((at) => entry(at, 1)),
        true,
      ),
    (wal) => wal.saveSnapshot({ index, term: 2, conf }, true, hard(2, index)),
  );
  for (const { snapshot, entries, hardState } of states) {
    expect(hardState.commit).toBe(snapshot.index === 0 ? 2 : index);
    // Nothing of term 1 follows what is of term 2 (Log Matching).
    if (snapshot.index > 0) expect(entries).toEqual([]);
  }
  expect(states.at(-1)).toMatchObject({ snapshot: { index, term: 2 }, hardState: hard(2, index), entries: [] });
});

test('what is committed beyond an installed snapshot is said with its entries', async () => {
  const states = await tornAnywhere(
    (wal) => wal.save(hard(1, 2), [entry(1, 1), entry(2, 1)], true),
    async (wal) => {
      await wal.saveSnapshot({ index: 10, term: 2, conf }, true, hard(2, 12));
      await wal.save(hard(2, 12), [entry(11, 2), entry(12, 2), entry(13, 2)], true);
    },
  );
  for (const { snapshot, entries, hardState } of states) {
    expect(hardState.commit).toBeLessThanOrEqual(entries.at(-1)?.index ?? snapshot.index);
  }
  expect(states.at(-1)?.hardState).toEqual(hard(2, 12));
});

test('a log of which the end is gone, where that shows, is damaged', async () => {
  const disk = new MemoryDisk();
  const wal = await createWal({ disk, folder }, Buffer.from('m'));
  await wal.save(hard(1, 9), [], true);
  await wal.close();
  await expect(recover(disk, folder)).rejects.toMatchObject({
    code: 'damaged',
    message: expect.stringContaining('9 was committed'),
  });
});

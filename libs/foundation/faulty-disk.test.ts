import { expect, test } from 'vitest';
import { type DiskFaults, type DiskPoint, FaultyDisk } from './faulty-disk.ts';
import { MemoryDisk } from './memory-disk.ts';
import { SeededRandom } from './random.ts';
import { VirtualClock } from './virtual-clock.ts';

function setUp() {
  const clock = new VirtualClock();
  const memory = new MemoryDisk();
  const state: { faults: DiskFaults } = { faults: {} };
  const crashed: DiskPoint[] = [];
  const disk = new FaultyDisk(memory, { clock, faults: () => state.faults, crash: (point) => crashed.push(point) });
  return { clock, memory, disk, state, crashed };
}

test('a slow sync is done later, and only on the files meant', async () => {
  const { clock, memory, disk, state } = setUp();
  await disk.makeFolder('wal');
  state.faults = { path: 'wal/', syncDelayMs: 500 };
  const [slow, quick] = [await disk.open('wal/a', 'create'), await disk.open('b', 'create')];
  let done = false;
  void slow.sync().then(() => {
    done = true;
  });
  await quick.sync();
  expect(memory.syncs).toBe(1);
  await clock.advanceAsync(499);
  expect(done).toBe(false);
  await clock.advanceAsync(1);
  expect(done).toBe(true);
  expect(memory.syncs).toBe(2);
});

test('a failing sync does not reach the disk; later ones do', async () => {
  const { memory, disk, state } = setUp();
  const file = await disk.open('a', 'create');
  state.faults = { failSync: true };
  await expect(file.sync()).rejects.toMatchObject({ code: 'EIO' });
  expect(memory.syncs).toBe(0);
  state.faults = {};
  await file.sync();
});

test('a full disk takes no write and no file, and is read as before', async () => {
  const { disk, state } = setUp();
  const file = await disk.open('a', 'create');
  await file.write(Buffer.from('x'), 0);
  state.faults = { full: true };
  for (const refused of [
    file.write(Buffer.from('y'), 0),
    file.preallocate(10),
    disk.open('b', 'create'),
    disk.writeAtomic('c', Buffer.from('z')),
  ]) {
    await expect(refused).rejects.toMatchObject({ code: 'ENOSPC' });
  }
  expect(Buffer.from(await file.read(0, 9)).toString()).toBe('x');
});

test('the process ends before and after what makes something durable', async () => {
  const { disk, state, crashed } = setUp();
  const file = await disk.open('a', 'create');
  for (const crashAt of ['beforeWrite', 'beforeSync', 'afterSync', 'beforeRename', 'afterRename', 'beforeRemove'] as const) {
    state.faults = { crashAt };
    await file.write(Buffer.from('x'), 0);
    await file.sync();
    await file.writeDurably?.(Buffer.from('x'), 0);
    await disk.rename('a', 'b');
    await disk.rename('b', 'a');
    await disk.writeAtomic('d', Buffer.from('x'));
    await disk.remove('d');
  }
  expect(new Set(crashed)).toEqual(
    new Set(['beforeWrite', 'beforeSync', 'afterSync', 'beforeRename', 'afterRename', 'beforeRemove']),
  );
});

test('the write that is durable by itself fails and ends as a write and a sync do', async () => {
  const { memory, clock, state } = setUp();
  const disk = new FaultyDisk(memory, { clock, faults: () => state.faults, crash: () => memory.powerOff() });
  const file = await disk.open('a', 'create');
  const write = (text: string) => file.writeDurably?.(Buffer.from(text), 0);
  const survives = async (): Promise<string> => {
    memory.powerOn();
    return Buffer.from(await (await memory.open('a', 'read')).read(0, 9)).toString();
  };
  await write('1');
  state.faults = { full: true };
  await expect(write('2')).rejects.toMatchObject({ code: 'ENOSPC' });
  state.faults = { failSync: true };
  await expect(write('3')).rejects.toMatchObject({ code: 'EIO' });
  expect(Buffer.from(await file.read(0, 9)).toString()).toBe('3');
  state.faults = { crashAt: 'beforeSync' };
  await expect(write('4')).rejects.toMatchObject({ code: 'EIO' });
  expect(await survives()).toBe('1');
  const again = await disk.open('a', 'write');
  state.faults = { crashAt: 'afterSync' };
  await again.writeDurably?.(Buffer.from('5'), 0);
  expect(await survives()).toBe('5');
});

test('what is written durably stays over what was written before it and never synced', async () => {
  for (let seed = 0; seed < 20; seed++) {
    const { memory, disk } = setUp();
    const file = await disk.open('a', 'create');
    await file.write(Buffer.from('old old old'), 0);
    await file.writeDurably?.(Buffer.from('new'), 4);
    memory.powerOff(new SeededRandom(seed).stream('power'));
    memory.powerOn();
    const text = Buffer.from(await (await memory.open('a', 'read')).read(0, 11)).toString();
    expect(['old new old', '\0\0\0\0new']).toContain(text);
  }
});

test('a file cannot be made in a folder that is not there', async () => {
  const { disk } = setUp();
  await expect(disk.open('a/b', 'create')).rejects.toMatchObject({ code: 'ENOENT' });
  await disk.makeFolder('a');
  await disk.open('a/b', 'create');
});

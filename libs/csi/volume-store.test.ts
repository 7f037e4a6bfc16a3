import { silentLog } from '@drydock/foundation/log.ts';
import { expect, test } from 'vitest';
import { readRange } from './capacity.ts';
import { MemoryMachine } from './testing/memory-folders.ts';
import { VolumeStore } from './volume-store.ts';

const gib = 1024 ** 3;
const ofGib = (required: number, limit = 0) =>
  readRange({ required_bytes: String(required * gib), limit_bytes: String(limit * gib) });

const open = (machine: MemoryMachine, nodeId = 'n', capacityBytes = 10 * gib) =>
  VolumeStore.open({ disk: machine.disk, folders: machine.folders, log: silentLog, nodeId, capacityBytes });

const sizes = (store: VolumeStore) => store.list().map(({ name, capacityBytes }) => [name, capacityBytes / gib]);

test('who asks again gets the same volume, also after a restart, and no other node has one of that id', async () => {
  const machine = new MemoryMachine();
  const store = await open(machine);
  const made = await store.create('a', ofGib(2));
  expect(await store.create('a', ofGib(1, 3))).toEqual(made);
  const again = await open(machine);
  expect(await again.create('a', ofGib(2))).toEqual(made);
  expect(machine.contents.size).toBe(1);
  await expect(again.create('a', ofGib(3))).rejects.toMatchObject({ code: 'AlreadyExists' });
  await expect(again.create('a', ofGib(1, 1))).rejects.toMatchObject({ code: 'AlreadyExists' });
  expect((await (await open(new MemoryMachine(), 'other')).create('a', ofGib(2))).id).not.toBe(made.id);
});

test('no more is promised than there is, whatever is asked for at once', async () => {
  const machine = new MemoryMachine();
  const store = await open(machine);
  const asked = ['a', 'b', 'c', 'd'].map((name) => store.create(name, ofGib(4)));
  const outcomes = (await Promise.allSettled(asked)).map(({ status }) => status);
  expect(outcomes).toEqual(['fulfilled', 'fulfilled', 'rejected', 'rejected']);
  expect(await store.availableBytes()).toBe(2 * gib);
  const [first] = store.list();
  await expect(store.expand(first?.id ?? '', ofGib(7))).rejects.toMatchObject({ code: 'ResourceExhausted' });
  await store.expand(first?.id ?? '', ofGib(6));
  expect(await store.availableBytes()).toBe(0);
  expect(sizes(await open(machine))).toEqual(sizes(store));
  await store.delete(first?.id ?? '');
  expect(await store.availableBytes()).toBe(6 * gib);
  machine.freeBytes = gib;
  await expect(store.create('e', ofGib(2))).rejects.toMatchObject({
    code: 'ResourceExhausted',
    message: `not enough space: ${2 * gib} bytes are asked for, ${gib} can be given`,
  });
});

test('a volume becomes larger, never smaller', async () => {
  const store = await open(new MemoryMachine());
  const { id } = await store.create('a', ofGib(2));
  expect((await store.expand(id, ofGib(1))).capacityBytes).toBe(2 * gib);
  await expect(store.expand(id, ofGib(0, 1))).rejects.toMatchObject({ code: 'OutOfRange' });
  expect((await store.expand(id, ofGib(3))).capacityBytes).toBe(3 * gib);
});

test('a broken record is set aside: nothing is made or removed in its place, but by who deletes it', async () => {
  const machine = new MemoryMachine();
  const before = await open(machine);
  const { id } = await before.create('a', ofGib(1));
  const lost = await before.create('b', ofGib(1));
  machine.contents.get(id)?.push('data');
  await machine.disk.writeAtomic(`records/${id}.json`, Buffer.from('{"form":1,"name":"a"'));
  machine.contents.delete(lost.id);
  const store = await open(machine);
  expect(store.list()).toEqual([]);
  for (const [name, broken] of [
    ['a', id],
    ['b', lost.id],
  ] as const) {
    expect(() => store.get(broken)).toThrow(`the record of volume ${broken} is broken`);
    await expect(store.create(name, ofGib(1))).rejects.toMatchObject({ code: 'Internal' });
  }
  expect(machine.contents.get(id)).toEqual(['data']);
  await store.delete(id);
  expect(machine.contents.size).toBe(0);
  expect((await store.create('a', ofGib(1))).id).toBe(id);
});

test('a volume that is mounted is not deleted', async () => {
  const machine = new MemoryMachine();
  const store = await open(machine);
  const { id } = await store.create('a', ofGib(1));
  machine.mounted.set('/pod', { id, isReadOnly: false });
  await expect(store.delete(id)).rejects.toMatchObject({
    code: 'FailedPrecondition',
    message: `volume ${id} is in use: it is mounted at /pod`,
  });
  expect(store.get(id).name).toBe('a');
});

test('the removal of a large folder holds up nothing else, and happens once', async () => {
  const machine = new MemoryMachine();
  const store = await open(machine);
  const { id } = await store.create('a', ofGib(1));
  let go = (): void => {};
  machine.removal = new Promise((resolve) => {
    go = resolve;
  });
  const removing = store.delete(id);
  await store.create('b', ofGib(1));
  expect(() => store.get(id)).toThrow('does not exist');
  await expect(store.delete(id)).rejects.toMatchObject({ code: 'Aborted' });
  await expect(store.create('a', ofGib(1))).rejects.toMatchObject({ code: 'Aborted' });
  go();
  await removing;
  expect(sizes(store)).toEqual([['b', 1]]);
  expect((await store.create('a', ofGib(1))).id).toBe(id);
});

test('what nobody has recorded is removed at the start if nothing is in it', async () => {
  const machine = new MemoryMachine();
  const [empty, full] = ['0', '1'].map((digit) => `vol-${digit.repeat(40)}`) as [string, string];
  machine.contents.set(empty, []).set(full, ['data']).set('lost+found', []);
  await machine.disk.makeFolder('records');
  await machine.disk.writeAtomic(`records/${empty}.json.tmp`, Buffer.from('{'));
  await open(machine);
  expect([...machine.contents.keys()]).toEqual([full, 'lost+found']);
  expect(await machine.disk.list('records')).toEqual([]);
});

/** Every call that `work` makes fails once, before and after it has done its work; the same process or the next goes on. */
async function withEveryMishap(work: (store: VolumeStore, machine: MemoryMachine) => Promise<unknown>, check: typeof work) {
  const calls = await count(work);
  expect(calls).toBeGreaterThan(1);
  for (let call = 0; call < calls; call++)
    for (const isDone of [false, true])
      for (const restarts of [false, true]) {
        const machine = new MemoryMachine();
        const store = await prepared(machine);
        machine.calls = 0;
        machine.mishap = { call, isDone };
        await work(store, machine).catch(() => {});
        machine.mishap = undefined;
        await check(restarts ? await open(machine) : store, machine);
      }
}

async function prepared(machine: MemoryMachine): Promise<VolumeStore> {
  const store = await open(machine);
  await store.create('present', ofGib(1));
  return store;
}

async function count(work: (store: VolumeStore, machine: MemoryMachine) => Promise<unknown>): Promise<number> {
  const machine = new MemoryMachine();
  const store = await prepared(machine);
  machine.calls = 0;
  await work(store, machine);
  return machine.calls;
}

test('whatever call fails or is the last, asking again makes one volume', async () => {
  await withEveryMishap(
    (store) => store.create('a', ofGib(2)),
    async (store, machine) => {
      const made = await store.create('a', ofGib(2));
      expect(made.capacityBytes).toBe(2 * gib);
      expect([...machine.contents.keys()].sort()).toEqual(store.list().map(({ id }) => id));
      expect((await open(machine)).list()).toEqual(store.list());
      expect(sizes(store)).toHaveLength(2);
    },
  );
});

test('whatever call fails or is the last, asking again makes it larger, or leaves nothing of it', async () => {
  const idOf = (store: VolumeStore) => store.named('present')?.id ?? '';
  await withEveryMishap(
    (store) => store.expand(idOf(store), ofGib(3)),
    async (store, machine) => {
      await store.expand(idOf(store), ofGib(3));
      expect(sizes(await open(machine))).toEqual([['present', 3]]);
    },
  );
  const { id } = (await prepared(new MemoryMachine())).named('present') ?? { id: '' };
  await withEveryMishap(
    (store) => store.delete(id),
    async (store, machine) => {
      await store.delete(id);
      expect(store.list()).toEqual([]);
      expect(machine.contents.size).toBe(0);
      expect(await machine.disk.list('records')).toEqual([]);
    },
  );
});

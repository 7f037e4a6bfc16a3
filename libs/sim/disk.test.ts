import { SeededRandom } from '@drydock/foundation/random.ts';
import { expect, test } from 'vitest';
import { BackendMedium, SimBackend } from './backend.ts';
import { SimDisk } from './disk.ts';
import { SimProcess } from './process.ts';
import { World } from './world.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const text = (content: Uint8Array | undefined): string => new TextDecoder().decode(content);

async function inWorld(body: (world: World) => Promise<void>): Promise<void> {
  const world = new World(7);
  let outcome: Promise<void> | undefined;
  world.schedule(1, () => {
    outcome = body(world);
    outcome.catch(() => undefined);
  });
  await world.run(10_000_000);
  await outcome;
}

test('a power failure takes what was not synced, a kill does not', async () => {
  const fates = new Set<string>();
  for (let seed = 0; seed < 20; seed++) {
    await inWorld(async (world) => {
      const disk = new SimDisk(new SeededRandom(seed).stream('disk'));
      const life = new SimProcess(world, 'm1');
      const file = await disk.port(life).open('log', 'create');
      await file.write(bytes('synced '), 0);
      await file.sync();
      await file.write(bytes('not synced'), 7);
      life.kill();
      disk.settle();
      expect(text(disk.file('log')?.current)).toBe('synced not synced');
      disk.losePower();
      fates.add(text(disk.file('log')?.current));
    });
  }
  expect([...fates].sort()).toEqual(['synced ', 'synced not synced']);
});

test('torn writes end at a sector', async () => {
  const lengths = new Set<number>();
  for (let seed = 0; seed < 40; seed++) {
    await inWorld(async (world) => {
      const disk = new SimDisk(new SeededRandom(seed).stream('disk'));
      const life = new SimProcess(world, 'm1');
      const file = await disk.port(life).open('log', 'create');
      await file.write(new Uint8Array(300).fill(1), 0);
      await file.sync();
      await file.write(new Uint8Array(1200).fill(1), 300);
      life.kill();
      disk.losePower();
      lengths.add(disk.file('log')?.current.length ?? -1);
    });
  }
  expect([...lengths].sort((a, b) => a - b)).toEqual([300, 512, 1024, 1500]);
});

test('a durable write stays, over what was written before it and nothing else of that', async () => {
  const fates = new Set<string>();
  for (let seed = 0; seed < 20; seed++) {
    await inWorld(async (world) => {
      const disk = new SimDisk(new SeededRandom(seed).stream('disk'));
      const life = new SimProcess(world, 'm1');
      const port = disk.port(life);
      await expect(port.open('wal/log', 'create')).rejects.toMatchObject({ code: 'ENOENT' });
      await port.makeFolder('wal');
      const file = await port.open('wal/log', 'create');
      await file.write(bytes('old old old'), 0);
      await file.writeDurably?.(bytes('new'), 4);
      disk.faults.failingSyncs = 1;
      await expect(file.writeDurably?.(bytes('NEW'), 4)).rejects.toMatchObject({ code: 'EIO' });
      life.kill();
      disk.losePower();
      fates.add(text(disk.file('wal/log')?.current));
    });
  }
  const lost = '\0\0\0\0';
  expect([...fates].sort()).toEqual([`${lost}NEW`, `${lost}new`, 'old NEW old', 'old new old'].sort());
});

test('full disks and failing syncs say so, and a dead process hears nothing', async () => {
  await inWorld(async (world) => {
    const disk = new SimDisk(new SeededRandom(1).stream('disk'));
    const life = new SimProcess(world, 'm1');
    const file = await disk.port(life).open('log', 'create');
    disk.faults.full = true;
    await expect(file.write(bytes('x'), 0)).rejects.toMatchObject({ code: 'ENOSPC' });
    disk.faults.full = false;
    disk.faults.failingSyncs = 1;
    await expect(file.sync()).rejects.toMatchObject({ code: 'EIO' });
    await file.sync();
    let heard = false;
    const hear = (): void => {
      heard = true;
    };
    file.sync().then(hear, hear);
    life.kill();
    file.sync().then(hear, hear);
    await world.sleep(1_000_000);
    expect(heard).toBe(false);
  });
});

test('the backend shows whole commits: the newest after a kill, one not older than the last sync after a power failure', async () => {
  const seen = new Set<string>();
  for (let seed = 0; seed < 20; seed++) {
    await inWorld(async (world) => {
      const medium = new BackendMedium(new SeededRandom(seed).stream('backend'));
      const life = new SimProcess(world, 'm1');
      const disk = new SimDisk(new SeededRandom(seed).stream('disk'));
      const backend = new SimBackend(medium, life, disk);
      for (let i = 1; i <= 3; i++) {
        backend.setRecord('meta', 'a', bytes(String(i)));
        backend.setRecord('meta', 'b', bytes(String(i)));
        await backend.commit();
        if (i === 1) await backend.sync();
      }
      backend.setRecord('meta', 'a', bytes('never'));
      void backend.commit();
      await Promise.resolve();
      life.kill();
      void backend.commit();
      const read = (): string =>
        [...new SimBackend(medium, new SimProcess(world, 'm1'), disk).records('meta')].map(({ value }) => text(value)).join();
      expect(read()).toBe('3,3');
      medium.losePower();
      seen.add(read());
    });
  }
  expect([...seen].sort()).toEqual(['1,1', '2,2', '3,3']);
});

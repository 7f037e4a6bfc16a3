import { silentLog } from '@drydock/foundation/log.ts';
import { VirtualClock } from '@drydock/foundation/virtual-clock.ts';
import { describe, expect, test } from 'vitest';
import { passRevisionMaxWrites, passRevisionRetryMs, storeRequestMs } from '../limits.ts';
import { MemoryStore } from '../testing/memory-store.ts';
import { StoreError, type StoreWatch, type WatchSignal } from './store.ts';
import { TrackedStore } from './tracked-store.ts';

const put = (store: Pick<MemoryStore, 'txn'>, key: string, value: string) =>
  store.txn({ guards: [], writes: [{ op: 'put', key, value: Buffer.from(value) }] });

function setUp() {
  const memory = new MemoryStore();
  const clock = new VirtualClock();
  const store = new TrackedStore({ store: memory, clock, log: silentLog });
  return { memory, clock, store };
}

function follow(store: TrackedStore, prefix: string, startRevision: number) {
  const signals: string[] = [];
  const watch: StoreWatch = store.watch(prefix, startRevision, (signal: WatchSignal) => {
    if (signal.type === 'events') for (const { kv } of signal.events) signals.push(`${kv.key}=${kv.value}@${kv.modRevision}`);
    else signals.push(signal.type === 'closed' ? `closed ${signal.compacted}` : signal.type);
  });
  return { signals, watch };
}

const settled = (clock: VirtualClock) => clock.advanceAsync(1_000);

describe('a store with another history', () => {
  /** What happens to the store while this server does not look, after it has followed it to revision 6 with /a/1=old. */
  const losses: Record<string, (memory: MemoryStore) => Promise<void> | void> = {
    'restored, and nothing since': (memory) => memory.restore(3),
    'restored, and written to up to the same revision': async (memory) => {
      memory.restore(3);
      for (const value of ['x', 'y', 'z']) await put(memory, '/b/other', value);
    },
    'restored, and written to beyond': async (memory) => {
      memory.restore(3);
      for (let i = 0; i < 40; i++) await put(memory, '/b/other', String(i));
    },
    'restored, written to beyond and compacted': async (memory) => {
      memory.restore(3);
      for (let i = 0; i < 40; i++) await put(memory, '/a/1', String(i));
      await memory.compact(30);
    },
    'of another cluster, otherwise the same': (memory) => {
      memory.clusterId = '2';
      memory.breakWatches(false);
    },
  };

  test.each(Object.entries(losses))(
    '%s: a watch at the old place ends, and new revisions are beyond the old',
    async (_, lose) => {
      const { memory, clock, store } = setUp();
      const { signals } = follow(store, '/a/', 1);
      for (const value of ['1', '2', '3', '4', 'old']) await put(memory, '/a/1', value);
      await settled(clock);
      expect(signals.at(-1)).toBe('/a/1=old@6');
      await store.range({ key: '/a/1' });
      await lose(memory);
      expect(signals.at(-1)).toBe('closed false');
      const again = follow(store, '/a/', 7);
      await settled(clock);
      expect(again.signals).toEqual(['closed true']);
      const { revision } = await store.range({ key: '/a/1' });
      expect(revision).toBeGreaterThan(6);
      // Whoever still holds a revision of the lost history, or between, gets nothing for it.
      const late = follow(store, '/a/', 7);
      expect(late.signals).toEqual(['closed true']);
      await expect(store.range({ key: '/a/', revision: 5 })).rejects.toMatchObject({ code: 'compacted' });
      const now = follow(store, '/a/', revision + 1);
      await put(memory, '/a/1', 'new');
      await settled(clock);
      expect(now.signals).toEqual(['created', `/a/1=new@${memory.revision}`]);
    },
  );

  test('a read notices, and answers only when revisions are beyond the lost ones; watches that stand end', async () => {
    const { memory, clock, store } = setUp();
    for (let i = 0; i < 500; i++) await put(store, '/a/1', String(i));
    const { signals } = follow(store, '/a/', 501);
    await settled(clock);
    // The watch does not break: as where its member is cut off, and the others are restored.
    const broken = memory.breakWatches;
    memory.breakWatches = () => {};
    memory.restore(100);
    memory.breakWatches = broken;
    const { revision, kvs } = await store.range({ key: '/a/1' });
    expect([kvs[0]?.value.toString(), signals.at(-1)]).toEqual(['98', 'closed true']);
    expect(revision).toBeGreaterThan(501);
  });

  test('a store that goes away meanwhile is waited for', async () => {
    const { memory, clock, store } = setUp();
    for (let i = 0; i < 9; i++) await put(store, '/a/1', String(i));
    memory.restore(3);
    memory.down = true;
    const { signals } = follow(store, '/a/', 11);
    await settled(clock);
    expect([signals, store.epoch]).toEqual([['closed false'], 0]);
    memory.down = false;
    const again = follow(store, '/a/', 11);
    memory.down = true;
    await settled(clock);
    memory.down = false;
    await settled(clock);
    expect(again.signals.at(-1)).toMatch(/^closed/);
    const third = follow(store, '/a/', 11);
    await settled(clock);
    expect(third.signals).toEqual(['closed true']);
  });

  test('more lost revisions than can be written: it says so and serves', async () => {
    const { memory, clock, store } = setUp();
    await put(store, '/a/1', 'x');
    const before = memory.revision;
    memory.revision += passRevisionMaxWrites + 1;
    await store.range({ key: '/a/1' });
    memory.revision = before;
    expect((await store.range({ key: '/a/1' })).revision).toBe(before);
    await settled(clock);
    expect(memory.revision).toBe(before);
    // What the store has not come to yet can only be a position of the lost history.
    const [late, now] = [follow(store, '/a/', before + 2), follow(store, '/a/', before + 1)];
    await settled(clock);
    expect([late.signals, now.signals]).toEqual([['closed true'], ['created']]);
    await expect(store.range({ key: '/a/1', revision: before + 1 })).rejects.toMatchObject({ code: 'compacted' });
  });

  /** The store loses its history from revision 4 on, up to 10, while `refusal` holds for one of its calls. */
  async function loseRefused(call: 'range' | 'txn' | 'compact', refusal: () => string | undefined) {
    const { memory, clock, store } = setUp();
    for (let i = 0; i < 9; i++) await put(store, '/a/1', String(i));
    memory.restore(3);
    const real = memory[call].bind(memory) as (query: never) => Promise<never>;
    memory[call] = async (query: never) => {
      const text = store.epoch > 0 ? refusal() : undefined;
      if (text !== undefined) throw new StoreError('other', text);
      return real(query);
    };
    return { memory, clock, store };
  }

  test.each(['range', 'txn', 'compact'] as const)('a %s of the recovery that is refused once is made again', async (call) => {
    let left = 1;
    const { memory, clock, store } = await loseRefused(call, () => (left-- > 0 ? 'etcdserver: too many requests' : undefined));
    const read = store.range({ key: '/a/1' });
    await settled(clock);
    expect((await read).revision).toBeGreaterThan(10);
    const late = follow(store, '/a/', 11);
    await settled(clock);
    expect(late.signals).toEqual(['closed true']);
    // Nothing of the recovery is left, and members are told too that the lost revisions are gone.
    expect((await memory.range({ key: 'drydock/', rangeEnd: 'drydock0' })).kvs).toEqual([]);
    await expect(memory.range({ key: '/a/1', revision: 10 })).rejects.toMatchObject({ code: 'compacted' });
  });

  test('a store that takes no writes is read all the same, lost positions are refused, and it is passed when it takes them', async () => {
    let full = true;
    const { memory, clock, store } = await loseRefused('txn', () =>
      full ? 'etcdserver: mvcc: database space exceeded' : undefined,
    );
    const read = store.range({ key: '/a/1' });
    await clock.advanceAsync(storeRequestMs + 1_000);
    expect(await read).toMatchObject({ revision: 3, kvs: [{ modRevision: 3 }] });
    const [late, now] = [follow(store, '/a/', 11), follow(store, '/a/', 4)];
    await settled(clock);
    expect([late.signals, now.signals]).toEqual([['closed true'], ['created']]);
    full = false;
    await clock.advanceAsync(passRevisionRetryMs + 1_000);
    expect(memory.revision).toBeGreaterThan(10);
    const again = follow(store, '/a/', 4);
    await settled(clock);
    expect(again.signals).toEqual(['closed true']);
  });
});

describe('the same history', () => {
  test('a watch that breaks goes on, whoever else writes, and nothing is written', async () => {
    const { memory, clock, store } = setUp();
    await put(store, '/a/1', 'x');
    const { signals } = follow(store, '/a/', 3);
    await settled(clock);
    memory.breakWatches(false);
    await put(memory, '/a/1', 'y');
    const again = follow(store, '/a/', 3);
    await settled(clock);
    expect([signals, again.signals, store.epoch]).toEqual([['created', 'closed false'], ['created', '/a/1=y@3'], 0]);
    expect(memory.revision).toBe(3);
  });

  test('what was seen last is compacted, and still there: the same', async () => {
    const { memory, clock, store } = setUp();
    await put(store, '/a/1', 'x');
    for (let i = 0; i < 5; i++) await put(memory, '/b/1', String(i));
    await memory.compact(6);
    const { signals } = follow(store, '/a/', 7);
    await settled(clock);
    expect([signals, store.epoch]).toEqual([['created'], 0]);
  });

  test('answers that overtake each other are no loss', async () => {
    const { memory, store } = setUp();
    const range = memory.range.bind(memory);
    let release = () => {};
    memory.range = async (query) => {
      const result = await range(query);
      if (query.key === '/slow') await new Promise<void>((resolve) => (release = resolve));
      return result;
    };
    const slow = store.range({ key: '/slow' });
    await Promise.resolve();
    await put(store, '/a/1', 'x');
    await store.range({ key: '/a/1' });
    release();
    expect((await slow).revision).toBe(1);
    expect(store.epoch).toBe(0);
  });
});

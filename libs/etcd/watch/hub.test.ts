import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { keyRange } from '../mvcc/key-range.ts';
import { openLmdbBackend } from '../mvcc/lmdb-backend.ts';
import { MvccStore, type StoreEvent } from '../mvcc/store.ts';
import { KeyValue } from '../rpc/messages.ts';
import { decode } from '../rpc/protobuf.ts';
import { type Watcher, WatchHub, type WatchSink } from './hub.ts';

class Recorder implements WatchSink {
  blocked = false;
  readonly revisions: number[] = [];
  compactedAt = 0;
  /** How many events had come when it was said to be complete. */
  readonly caughtUpAfter: number[] = [];

  send(_watcher: Watcher, events: readonly StoreEvent[]): void {
    for (const event of events) this.revisions.push(decode(KeyValue, event.kv).mod_revision);
  }

  caughtUp(): void {
    this.caughtUpAfter.push(this.revisions.length);
  }

  compacted(_watcher: Watcher, revision: number): void {
    this.compactedAt = revision;
  }
}

async function withHub(body: (store: MvccStore, hub: WatchHub) => void): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'watch-'));
  const backend = openLmdbBackend(folder);
  try {
    const store = new MvccStore(backend);
    const hub = new WatchHub(store);
    store.onRevision = (revision, events) => hub.notify(revision, events);
    body(store, hub);
  } finally {
    await backend.close();
    rmSync(folder, { recursive: true });
  }
}

const write = (store: MvccStore, key: string) => store.write((txn) => txn.put(key, Buffer.from('v'), 0n));
const watch = (hub: WatchHub, sink: WatchSink, startRevision: number, from = 'a', to = 'b') =>
  hub.add({ range: keyRange(from, to), wantsPut: true, wantsDelete: true, startRevision }, sink);

test('whatever the order of writes, blocking and replay, each watcher has every event of its range once, in order', async () => {
  const step = fc.oneof(
    { weight: 4, arbitrary: fc.constantFrom('write a1', 'write a2', 'write z') },
    fc.constantFrom('block', 'unblock', 'replay', 'watch now', 'watch all'),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
      await withHub((store, hub) => {
        const inRange: number[] = [];
        const watchers: { sink: Recorder; from: number }[] = [];
        for (const name of steps) {
          if (name.startsWith('write')) {
            write(store, name.slice(6));
            if (!name.endsWith('z')) inRange.push(store.revision);
          } else if (name === 'replay') hub.replayStep();
          else if (name === 'block') for (const { sink } of watchers) sink.blocked = true;
          else if (name === 'unblock') for (const { sink } of watchers) sink.blocked = false;
          else {
            const sink = new Recorder();
            watch(hub, sink, name === 'watch all' ? 1 : 0);
            watchers.push({ sink, from: name === 'watch all' ? 1 : store.revision + 1 });
          }
        }
        for (const { sink } of watchers) sink.blocked = false;
        while (hub.replayStep());
        for (const { sink, from } of watchers) {
          expect(sink.revisions).toEqual(inRange.filter((revision) => revision >= from));
        }
      });
    }),
    { numRuns: 30 },
  );
});

test('a sink that fills up in the middle of a replay gets no more, and the rest of it later', async () => {
  class Small extends Recorder {
    readonly got = new Map<Watcher, number[]>();

    override send(watcher: Watcher, events: readonly StoreEvent[]): void {
      expect(this.blocked).toBe(false);
      this.blocked = true;
      const revisions = events.map((event) => decode(KeyValue, event.kv).mod_revision);
      this.got.set(watcher, [...(this.got.get(watcher) ?? []), ...revisions]);
    }
  }
  await withHub((store, hub) => {
    for (let i = 0; i < 5; i++) write(store, 'a');
    const sink = new Small();
    const watchers = [1, 1, 3].map((from) => watch(hub, sink, from));
    // It watches what nobody has written.
    const idle = watch(hub, sink, 1, 'b', 'c');
    for (let steps = 0; hub.replayStep() || sink.blocked; steps++) {
      expect(steps).toBeLessThan(20);
      sink.blocked = false;
      if (steps === 1) write(store, 'a');
    }
    expect(watchers.map((watcher) => sink.got.get(watcher))).toEqual([
      [2, 3, 4, 5, 6, 7],
      [2, 3, 4, 5, 6, 7],
      [3, 4, 5, 6, 7],
    ]);
    expect([...watchers, idle].map(({ synced }) => synced)).toEqual([true, true, true, true]);
  });
});

test('more watchers than one step takes have everything in the end', async () => {
  await withHub((store, hub) => {
    write(store, 'a');
    const sinks = Array.from({ length: 1201 }, () => new Recorder());
    for (const sink of sinks) watch(hub, sink, 1);
    let steps = 1;
    while (hub.replayStep()) steps++;
    expect(steps).toBe(3);
    expect(sinks.every(({ revisions }) => revisions.length === 1)).toBe(true);
    expect(hub.behind).toBe(0);
  });
});

test('a watcher from before the compaction is told where it may start', async () => {
  await withHub((store, hub) => {
    for (let i = 0; i < 5; i++) write(store, 'a');
    store.compact(4);
    const [late, exact] = [new Recorder(), new Recorder()];
    watch(hub, late, 2);
    watch(hub, exact, 4);
    while (hub.replayStep());
    expect([late.compactedAt, late.revisions, exact.revisions]).toEqual([4, [], [4, 5, 6]]);
    expect(hub.watchers).toBe(1);
  });
});

test('a watcher of the future waits for it', async () => {
  await withHub((store, hub) => {
    const sink = new Recorder();
    watch(hub, sink, 4);
    for (let i = 0; i < 4; i++) write(store, 'a');
    expect(sink.revisions).toEqual([4, 5]);
  });
});

test('one step of replay takes in no more than its bytes, and the next goes on after it', async () => {
  await withHub((store, hub) => {
    const megabyte = Buffer.alloc(1 << 20);
    for (let i = 0; i < 10; i++) store.write((txn) => txn.put(`a${i}`, megabyte, 0n));
    const sink = new Recorder();
    const watcher = watch(hub, sink, 2);
    const steps: number[] = [];
    for (let more = true; more; ) {
      more = hub.replayStep();
      steps.push(sink.revisions.length);
    }
    expect(steps).toEqual([4, 8, 10]);
    expect(sink.revisions).toEqual([2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
    expect(watcher.synced).toBe(true);
  });
});

test.each([
  { title: 'with events for it', key: 'a1', events: 3 },
  { title: 'without any', key: 'z', events: 0 },
])('a watcher that was behind is told when it has everything, $title', async ({ key, events }) => {
  await withHub((store, hub) => {
    for (let i = 0; i < 3; i++) write(store, key);
    const sink = new Recorder();
    watch(hub, sink, 2);
    expect(sink.caughtUpAfter).toEqual([]);
    while (hub.replayStep());
    expect(sink.caughtUpAfter).toEqual([events]);
  });
});

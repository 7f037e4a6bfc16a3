import { EventEmitter } from 'node:events';
import { apiError } from '@drydock/api/status.ts';
import { describe, expect, test } from 'vitest';
import { watchBatchMaxBytes, watchHistoryMaxEvents } from '../limits.ts';
import type { CacheEvent } from './entry.ts';
import { EventLog } from './event-log.ts';
import { Frame, SharedFrames } from './frame.ts';
import { WatchStream } from './watch-stream.ts';

const event = (revision: number, bytes = 10, atMs = 0): CacheEvent => ({
  type: 'ADDED',
  revision,
  entry: { key: `/a/${revision}`, revision, object: { metadata: { name: String(revision) } }, bytes },
  previous: undefined,
  bytes,
  atMs,
});

function setUp(made: number[] = []) {
  const log = new EventLog();
  const stream = new WatchStream();
  const reading = {
    log,
    next: log.next,
    concerns: ({ revision }: CacheEvent) => revision % 2 === 0,
    frame: ({ revision }: CacheEvent) => {
      made.push(revision);
      return new Frame('ADDED', { revision });
    },
  };
  const append = (revision: number) => {
    log.append(event(revision));
    stream.notify(log.at(log.next - 1) as CacheEvent);
  };
  return { log, stream, reading, append, made };
}

const revisionOf = (frame: Frame | undefined) =>
  frame === undefined ? undefined : JSON.parse(frame.object.toString()).revision;

describe('a watch stream', () => {
  test('first the initial frames, then the log, then the bookmark; only what concerns it', async () => {
    const { stream, reading, append } = setUp();
    stream.read({ ...reading, initial: [new Frame('ADDED', { revision: 'first' })].values() });
    for (const revision of [1, 2, 3, 4]) append(revision);
    stream.bookmark(() => new Frame('BOOKMARK', { revision: 'mark' }));
    const taken = [];
    for (let i = 0; i < 4; i++) taken.push(revisionOf(await stream.next()));
    expect(taken).toEqual(['first', 2, 4, 'mark']);
  });

  test('who waits is woken by what concerns it', async () => {
    const { stream, reading, append } = setUp();
    stream.read(reading);
    const next = stream.next();
    await Promise.resolve();
    for (const revision of [1, 3, 5, 6]) append(revision);
    expect(revisionOf(await next)).toBe(6);
  });

  test('a consumer that does not read costs no frames, and is left behind by the log', async () => {
    const made: number[] = [];
    let initial = 0;
    const { stream, reading, append } = setUp(made);
    function* endless() {
      for (;;) yield new Frame('ADDED', { revision: initial++, text: 'x'.repeat(100) });
    }
    stream.read({ ...reading, initial: endless() });
    await stream.next();
    stream.drain();
    expect(initial * 100).toBeLessThan(watchBatchMaxBytes + 1000);
    const slow = setUp(made);
    slow.stream.read(slow.reading);
    for (let revision = 1; revision <= watchHistoryMaxEvents + 2; revision++) slow.append(revision);
    append(1);
    expect(made).toEqual([]);
    expect(await slow.stream.next()).toBeUndefined();
    expect(slow.stream.ended).toBe(true);
  });

  test('a pause leaves nothing behind, however many there are', async () => {
    const { stream } = setUp();
    const target = new EventEmitter();
    let forgotten = 0;
    const counted = {
      once: (name: 'drain', listener: () => void) => target.once(name, listener),
      off: (name: 'drain', listener: () => void) => {
        forgotten++;
        return target.off(name, listener);
      },
    };
    for (let pause = 0; pause < 1000; pause++) {
      const drained = stream.drained(counted);
      target.emit('drain');
      await drained;
    }
    expect([target.listenerCount('drain'), forgotten]).toEqual([0, 1000]);
    const last = stream.drained(counted);
    stream.end();
    await last;
    expect([target.listenerCount('drain'), forgotten]).toEqual([0, 1001]);
    await stream.drained(counted);
  });

  test('an end with an error tells it last; a view that fails ends with what failed', async () => {
    const { stream, reading } = setUp();
    stream.read(reading);
    stream.end(apiError('Expired', 'gone'));
    expect([(await stream.next())?.type, await stream.next()]).toEqual(['ERROR', undefined]);
    const failing = setUp();
    failing.stream.read({
      ...failing.reading,
      concerns: () => {
        throw new TypeError('no such field');
      },
    });
    const next = failing.stream.next();
    await Promise.resolve();
    failing.append(1);
    expect(JSON.parse((await next)?.object.toString() ?? '')).toMatchObject({
      code: 500,
      message: 'Internal error occurred: no such field',
    });
    expect(await failing.stream.next()).toBeUndefined();
  });
});

describe('the log', () => {
  test('is bounded by bytes and age, and finds its place by revision', () => {
    const log = new EventLog();
    for (let revision = 1; revision <= 300; revision++) log.append(event(revision, 1024 * 1024));
    expect(log.size).toBe(16);
    expect(log.startRevision).toBe(284);
    expect(log.at(log.after(290))?.revision).toBe(291);
    const old = new EventLog();
    for (let revision = 1; revision <= 1000; revision++) old.append(event(revision, 1, 0));
    old.append(event(1001, 1, 76_000));
    expect([old.size, old.startRevision]).toEqual([256, 745]);
    old.reset(2000);
    expect([old.size, old.bytes, old.startRevision, old.after(2000)]).toEqual([0, 0, 2000, old.next]);
  });

  test('shared frames are made once while there is room for them', () => {
    const frames = new SharedFrames(1000);
    let made = 0;
    const make = () => {
      made++;
      return new Frame('ADDED', 'x'.repeat(300));
    };
    const events = [1, 2, 3, 4, 5].map((revision) => event(revision));
    for (const each of events) for (const form of ['a', 'a']) frames.of(each, form, make);
    expect(made).toBe(5);
    expect(frames.bytes).toBeLessThanOrEqual(1000);
    frames.of(events[0] as CacheEvent, 'a', make);
    expect(made).toBe(6);
  });
});

import { VirtualClock } from '@drydock/foundation/virtual-clock.ts';
import { expect, test } from 'vitest';
import { EtcdError } from '../errors.ts';
import { type AutoCompaction, AutoCompactor } from './auto-compaction.ts';

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;

/** A store whose revision is one more than the virtual minute. */
function setUp(how: AutoCompaction) {
  const clock = new VirtualClock();
  const compacted: { minute: number; revision: number }[] = [];
  const target = {
    isLeader: true,
    failure: undefined as EtcdError | undefined,
    get revision() {
      return minute() + 1;
    },
    compact: async (revision: number) => {
      if (target.failure !== undefined) throw target.failure;
      compacted.push({ minute: minute(), revision });
    },
  };
  const minute = () => Math.floor(clock.monotonicMs() / minuteMs);
  const compactor = new AutoCompactor(target, clock, how);
  compactor.start();
  return { clock, target, compactor, compacted };
}

test('periodic, more than an hour: after the first period every hour, what was current a period before the last sample', async () => {
  const { clock, compacted } = setUp({ mode: 'periodic', periodMs: 2 * hourMs });
  await clock.advanceAsync(2 * hourMs - 1);
  expect(compacted).toEqual([]);
  await clock.advanceAsync(2 * hourMs);
  expect(compacted).toEqual([
    { minute: 120, revision: 1 },
    { minute: 180, revision: 55 },
  ]);
});

test('periodic, less than an hour: once per period', async () => {
  const { clock, compacted } = setUp({ mode: 'periodic', periodMs: 10 * minuteMs });
  await clock.advanceAsync(31 * minuteMs);
  expect(compacted).toEqual([
    { minute: 10, revision: 1 },
    { minute: 20, revision: 10 },
    { minute: 30, revision: 20 },
  ]);
});

test('a follower samples but does not compact; as soon as it leads it knows what to do', async () => {
  const { clock, target, compacted } = setUp({ mode: 'periodic', periodMs: hourMs });
  target.isLeader = false;
  await clock.advanceAsync(5 * hourMs);
  expect(compacted).toEqual([]);
  target.isLeader = true;
  await clock.advanceAsync(6 * minuteMs);
  expect(compacted).toEqual([{ minute: 306, revision: 241 }]);
});

test('revision: every five minutes, without repeating itself', async () => {
  const { clock, compacted, compactor, target } = setUp({ mode: 'revision', revisions: 8 });
  await clock.advanceAsync(15 * minuteMs);
  expect(compacted).toEqual([
    { minute: 10, revision: 3 },
    { minute: 15, revision: 8 },
  ]);
  Object.defineProperty(target, 'revision', { value: 16 });
  await clock.advanceAsync(hourMs);
  expect(compacted).toHaveLength(2);
  Object.defineProperty(target, 'revision', { value: 17 });
  compactor.stop();
  await clock.advanceAsync(hourMs);
  expect(compacted).toHaveLength(2);
});

test('what fails is tried again a tenth of the interval later; what somebody else compacted counts as done', async () => {
  const { clock, target, compacted } = setUp({ mode: 'periodic', periodMs: 10 * minuteMs });
  target.failure = new EtcdError('timeout');
  await clock.advanceAsync(14 * minuteMs);
  target.failure = undefined;
  await clock.advanceAsync(minuteMs);
  expect(compacted).toEqual([{ minute: 15, revision: 5 }]);
  target.failure = new EtcdError('compacted');
  await clock.advanceAsync(10 * minuteMs);
  target.failure = undefined;
  await clock.advanceAsync(9 * minuteMs);
  expect(compacted).toHaveLength(1);
  await clock.advanceAsync(minuteMs);
  expect(compacted.at(-1)).toEqual({ minute: 35, revision: 25 });
});

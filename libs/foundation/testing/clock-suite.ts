// What every Clock must do: the same suite runs on the virtual clock, on the machine's, and on the machine's with a platform
// that can pass months.
import fc from 'fast-check';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Clock } from '../clock.ts';

/** A clock together with the ways in which its time passes. */
export interface ClockWorld {
  readonly clock: Clock;
  /** At least `ms` pass, with turns of the event loop on the way. */
  pass(ms: number): Promise<void>;
  /** `ms` pass while the process stands still; then it goes on. */
  stall(ms: number): Promise<void>;
  /** Wall time jumps by `ms`. */
  jumpWall(ms: number): void;
  close?(): void;
}

export interface ClockSuiteOptions {
  /** How long a test may let pass, in milliseconds: little where time is real. */
  readonly patienceMs: number;
  /** Generated cases of a property. */
  readonly cases: number;
}

/** Delays around everything at which platforms change their mind, and the ones that no timer may take for something else. */
export const oddDelays = [-Infinity, -(2 ** 40), -1, -0, 0, 0.3, 1, 2 ** 31 - 1, 2 ** 31, 2 ** 32, 2 ** 53, 1e300, Infinity];

export function clockSuite(name: string, open: () => ClockWorld, { patienceMs, cases }: ClockSuiteOptions): void {
  let world: ClockWorld;
  beforeEach(() => {
    world = open();
  });
  afterEach(() => world.close?.());

  const delays = fc.oneof(
    fc.double({ min: -5, max: patienceMs * 2, noNaN: true }),
    fc.constantFrom(...oddDelays),
    fc.double({ min: 2 ** 30, max: 2 ** 60, noNaN: true }),
  );

  test(`${name}: each timer fires once, not early, not synchronously; long and endless ones wait; cancelled ones never fire`, async () => {
    const timers = fc.array(fc.record({ delay: delays, cancelled: fc.boolean() }), { maxLength: 30 });
    const property = fc.asyncProperty(timers, fc.boolean(), async (plan, stalled) => {
      const { clock } = world;
      const fired = plan.map(() => 0);
      let early = 0;
      const startMs = clock.monotonicMs();
      const handles = plan.map(({ delay }, index) => {
        const madeMs = clock.monotonicMs();
        return clock.timer(delay, () => {
          fired[index] = (fired[index] ?? 0) + 1;
          if (clock.monotonicMs() < madeMs + delay) early++;
        });
      });
      expect(fired).toEqual(plan.map(() => 0));
      for (const [index, { cancelled }] of plan.entries()) if (cancelled) handles[index]?.cancel();
      await (stalled ? world.stall(patienceMs) : world.pass(patienceMs));
      const passedMs = clock.monotonicMs() - startMs;
      for (const handle of handles) handle.cancel();
      const counted = [...fired];
      await world.pass(1);
      expect(fired).toEqual(counted);
      expect(early).toBe(0);
      for (const [index, { delay, cancelled }] of plan.entries()) {
        const count = fired[index];
        if (cancelled || delay > passedMs) expect({ delay, count }).toEqual({ delay, count: 0 });
        else if (delay <= patienceMs / 2) expect({ delay, count }).toEqual({ delay, count: 1 });
      }
    });
    await fc.assert(property, { numRuns: cases });
  });

  test(`${name}: sleep keeps the same delays and ends with its signal, once`, async () => {
    const { clock } = world;
    for (const delay of oddDelays) {
      const ended: string[] = [];
      const enough = new AbortController();
      const asleep = clock.sleep(delay, enough.signal).then(
        () => ended.push('slept'),
        (reason: Error) => ended.push(reason.message),
      );
      await world.pass(3);
      expect({ delay, ended }).toEqual({ delay, ended: delay <= 1 ? ['slept'] : [] });
      enough.abort(new Error('enough'));
      await asleep;
      expect(ended).toEqual([delay <= 1 ? 'slept' : 'enough']);
    }
    await expect(clock.sleep(1, AbortSignal.abort(new Error('before')))).rejects.toThrow('before');
  });

  test(`${name}: a delay that is no number is refused, and leaves nothing behind`, async () => {
    const { clock } = world;
    let fired = 0;
    expect(() => clock.timer(Number.NaN, () => fired++)).toThrow(RangeError);
    await expect(clock.sleep(Number.NaN)).rejects.toThrow(RangeError);
    await world.pass(3);
    expect(fired).toBe(0);
  });

  test(`${name}: a timer that cancels another of the same turn wins`, async () => {
    const { clock } = world;
    let fired = 0;
    const made = [0, 1].map((index) =>
      clock.timer(1, () => {
        fired++;
        made[1 - index]?.cancel();
      }),
    );
    await world.stall(3);
    await world.pass(3);
    expect(fired).toBe(1);
  });

  test(`${name}: wall time jumps, monotonic time and timers do not notice`, async () => {
    const { clock } = world;
    let fired = 0;
    for (const jumpMs of [3_600_000, -7_200_000, 90 * 86_400_000]) {
      clock.timer(600_000, () => fired++);
      const [wallMs, monotonicMs] = [clock.wallMs(), clock.monotonicMs()];
      world.jumpWall(jumpMs);
      expect(Math.abs(clock.wallMs() - wallMs - jumpMs)).toBeLessThan(60_000);
      await world.pass(3);
      const passedMs = clock.monotonicMs() - monotonicMs;
      expect(passedMs).toBeGreaterThanOrEqual(3);
      expect(passedMs).toBeLessThan(60_000);
    }
    expect(fired).toBe(0);
  });

  test(`${name}: a process that stood still fires what fell due, late, and a loop of timers does not catch up`, async () => {
    const { clock } = world;
    const lateMs: number[] = [];
    const startMs = clock.monotonicMs();
    const tick = (dueMs: number): void => {
      clock.timer(10, () => {
        lateMs.push(clock.monotonicMs() - dueMs);
        if (lateMs.length < 2) tick(clock.monotonicMs() + 10);
      });
    };
    tick(startMs + 10);
    await world.stall(50);
    expect(lateMs).toHaveLength(1);
    expect(lateMs[0]).toBeGreaterThanOrEqual(40);
    for (let turns = 0; lateMs.length < 2 && turns < 1_000; turns++) await world.pass(5);
    expect(clock.monotonicMs() - startMs).toBeGreaterThanOrEqual(60);
  });
}

import { readFileSync } from 'node:fs';
import process from 'node:process';
import { expect, test, vi } from 'vitest';
import { execFile } from './child-process.ts';
import { SystemClock } from './system-clock.ts';
import { type ClockWorld, clockSuite } from './testing/clock-suite.ts';
import { VirtualClock } from './virtual-clock.ts';

const days = 86_400_000;

function virtual(): ClockWorld {
  const clock = new VirtualClock();
  return {
    clock,
    pass: (ms) => clock.advanceAsync(ms),
    stall: (ms) => clock.stall(ms),
    jumpWall: (ms) => clock.jumpWall(ms),
  };
}

/** The machine itself. Standing still is blocking the only thread; its wall clock is only replaced, never set. */
function real(): ClockWorld {
  const clock = new SystemClock();
  let offsetMs = 0;
  const now = vi.spyOn(Date, 'now').mockImplementation(() => performance.timeOrigin + performance.now() + offsetMs);
  const pass = async (ms: number): Promise<void> => {
    const untilMs = performance.now() + ms;
    while (performance.now() < untilMs)
      await new Promise((resolve) => setTimeout(resolve, Math.ceil(untilMs - performance.now())));
  };
  return {
    clock,
    pass,
    stall: async (ms) => {
      const untilMs = performance.now() + ms;
      while (performance.now() < untilMs)
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, untilMs - performance.now());
      await pass(3);
    },
    jumpWall: (ms) => {
      offsetMs += ms;
    },
    close: () => now.mockRestore(),
  };
}

/** The machine's clock on a platform whose time is moved by hand, and whose setTimeout has the real one's limit. */
function moved(): ClockWorld {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date', 'performance'] });
  const pass = (ms: number): Promise<unknown> => vi.advanceTimersByTimeAsync(Math.ceil(ms));
  return {
    clock: new SystemClock(),
    pass: async (ms) => void (await pass(ms)),
    stall: async (ms) => void (await pass(ms)),
    jumpWall: (ms) => vi.setSystemTime(Date.now() + ms),
    close: () => void vi.useRealTimers(),
  };
}

clockSuite('virtual', virtual, { patienceMs: 200 * days, cases: 300 });
clockSuite('system', real, { patienceMs: 40, cases: 20 });

test('the platform of the next test has the limit that the real one has', async () => {
  const world = moved();
  let fired = 0;
  setTimeout(() => fired++, 2 ** 31);
  await world.pass(2);
  world.close?.();
  expect(fired).toBe(1);
});

test('the machine keeps delays of months', async () => {
  const world = moved();
  const firedAt: number[] = [];
  const startMs = world.clock.monotonicMs();
  const wanted = [20, 24.8, 24.9, 30, 60, 90, 365].map((count) => count * days);
  for (const delay of wanted) world.clock.timer(delay, () => firedAt.push(world.clock.monotonicMs() - startMs));
  world.clock.timer(400 * days, () => firedAt.push(0)).cancel();
  await world.pass(399 * days);
  world.close?.();
  expect(firedAt.map((ms) => Math.round(ms / 1000))).toEqual(wanted.map((ms) => Math.round(ms / 1000)));
});

test('a process that was stopped by a signal fires late and once', { timeout: 30_000 }, async () => {
  const script = `
    const { SystemClock } = await import(${JSON.stringify(new URL('./system-clock.ts', import.meta.url).href)});
    const clock = new SystemClock();
    const [startMs, wallMs] = [clock.monotonicMs(), clock.wallMs()];
    const fired = [];
    for (const delay of [50, 100, 2 ** 31 + 100]) clock.timer(delay, () => fired.push(delay));
    clock.timer(120, () => {
      console.log(JSON.stringify({ fired, tookMs: clock.monotonicMs() - startMs, wallMs: clock.wallMs() - wallMs }));
      process.exit(0);
    });
    process.kill(process.pid, 'SIGSTOP');`;
  const child = execFile(process.execPath, ['--input-type=module', '-e', script]);
  let output = '';
  child.stdout?.on('data', (chunk: string) => {
    output += chunk;
  });
  const ended = new Promise((resolve) => child.once('exit', resolve));
  const stat = `/proc/${child.pid}/stat`;
  await vi.waitFor(() => expect(readFileSync(stat, 'utf8')).toMatch(/\) T /), { timeout: 20_000 });
  await new Promise((resolve) => setTimeout(resolve, 300));
  child.kill('SIGCONT');
  await ended;
  const said = JSON.parse(output) as { fired: number[]; tookMs: number; wallMs: number };
  expect(said.fired).toEqual([50, 100]);
  expect(said.tookMs).toBeGreaterThanOrEqual(300);
  expect(Math.abs(said.tookMs - said.wallMs)).toBeLessThan(100);
});

// A container's log as its readers get it: through rotations, past a silent end, byte by byte.
import { appendFileSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SystemClock } from '@drydock/foundation/system-clock.ts';
import { afterAll, expect, onTestFinished, test, vi } from 'vitest';
import type { LogOptions } from './log-reader.ts';

/** Whether the system lets no more be watched. */
const limits = vi.hoisted(() => ({ reached: false }));
vi.mock('node:fs', async (original) => {
  const fs = await original<typeof import('node:fs')>();
  const watch = (...args: Parameters<typeof fs.watch>) => {
    if (limits.reached)
      throw Object.assign(new Error('ENOSPC: System limit for number of file watchers reached'), { code: 'ENOSPC' });
    return fs.watch(...args);
  };
  return { ...fs, watch };
});

// Another file of this worker may have loaded it over the real one, and is not to find it over this one.
vi.resetModules();
afterAll(() => {
  vi.resetModules();
});
const { readLog } = await import('./log-reader.ts');

const clock = new SystemClock();
const everything: LogOptions = { follow: false, timestamps: false, tailLines: -1, limitBytes: 0, sinceMs: 0, stream: '' };
const time = (second: number) => `2026-01-01T00:00:${String(second).padStart(2, '0')}.000000001Z`;
const line = (second: number, content: string | Buffer, stream = 'stdout', tag = 'F') =>
  Buffer.concat([Buffer.from(`${time(second)} ${stream} ${tag} `), Buffer.from(content), Buffer.from('\n')]);

function logFile(...lines: readonly Buffer[]): string {
  const folder = mkdtempSync(join(tmpdir(), 'log-reader-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const path = join(folder, '0.log');
  writeFileSync(path, Buffer.concat(lines));
  return path;
}

async function read(path: string, options: Partial<LogOptions> = {}): Promise<Buffer> {
  const parts: Buffer[] = [];
  const write = (bytes: Buffer) => void parts.push(bytes);
  await readLog(
    path,
    { ...everything, ...options },
    { write, signal: new AbortController().signal, ended: async () => true, clock },
  );
  return Buffer.concat(parts);
}

const five = [0, 1, 2, 3, 4].map((i) => line(i, `line ${i}`, i % 2 === 0 ? 'stdout' : 'stderr'));

test.each([
  ['all of it', {}, 'line 0\nline 1\nline 2\nline 3\nline 4\n'],
  ['the last two lines', { tailLines: 2 }, 'line 3\nline 4\n'],
  ['more than there is', { tailLines: 50 }, 'line 0\nline 1\nline 2\nline 3\nline 4\n'],
  ['none', { tailLines: 0 }, ''],
  ['so many bytes', { limitBytes: 9 }, 'line 0\nli'],
  ['from a time on', { sinceMs: Date.parse(time(3)) }, 'line 3\nline 4\n'],
  ['one stream', { stream: 'stderr' }, 'line 1\nline 3\n'],
  ['with times', { tailLines: 1, timestamps: true }, `${time(4)} line 4\n`],
] as const)('%s', async (_, options, wanted) => {
  expect(String(await read(logFile(...five), options))).toBe(wanted);
});

test('what was written comes out byte by byte', async () => {
  const content = Buffer.from([0xff, 0xfe, 0x0d, 0x20, 0x00, 0xc3, 0x28, 0x0d]);
  const path = logFile(
    line(0, content),
    line(1, ''),
    line(2, ' padded '),
    line(3, 'no end', 'stdout', 'P'),
    line(4, ' yet', 'stdout', 'P'),
    line(5, '!'),
  );
  const wanted = Buffer.concat([content, Buffer.from('\n\n padded \nno end yet!\n')]);
  expect(await read(path)).toEqual(wanted);
  expect(String(await read(path, { timestamps: true, tailLines: 3 }))).toBe(`${time(3)} no end yet!\n`);
});

test('the last lines of a large file', async () => {
  const lines = Array.from({ length: 20_000 }, (_, i) => line(i % 60, `line ${i}`));
  const text = String(await read(logFile(...lines), { tailLines: 15_000 }));
  expect(text.split('\n').slice(0, 2)).toEqual(['line 5000', 'line 5001']);
  expect(text.split('\n')).toHaveLength(15_001);
});

test('what is no line of a log is left out, and a link is not followed', async () => {
  expect(String(await read(logFile(Buffer.from('nonsense\n\n'), line(0, 'a'), Buffer.from(`${time(1)} stdin F b\n`))))).toBe(
    'a\n',
  );
  const path = logFile(line(0, 'a'));
  symlinkSync('/etc/passwd', `${path}.link`);
  await expect(read(`${path}.link`)).rejects.toThrow('is a link');
});

/** Follows in the background. */
function follow(path: string, options: Partial<LogOptions> = {}) {
  const state = { text: '', ended: false, over: false };
  const stop = new AbortController();
  const write = (bytes: Buffer) => {
    state.text += bytes;
  };
  const done = readLog(
    path,
    { ...everything, follow: true, ...options },
    { write, signal: stop.signal, ended: async () => state.ended, clock },
  );
  done.finally(() => {
    state.over = true;
  });
  return { state, stop, done };
}

test('following goes on through rotations, and loses nothing of either file', { timeout: 60_000 }, async () => {
  const path = logFile(line(0, 'a0'));
  const { state, done } = follow(path);
  let wanted = 'a0\n';
  await expect.poll(() => state.text, { timeout: 10_000 }).toBe(wanted);
  for (let round = 1; round <= 5; round++) {
    appendFileSync(path, line(1, `a${round}`));
    renameSync(path, `${path}.${round}`);
    // The engine writes on into the old file until it is told to open its log again.
    appendFileSync(`${path}.${round}`, line(2, `b${round}`));
    if (round % 2 === 0) await clock.sleep(20);
    writeFileSync(path, line(3, `c${round}`));
    wanted += `a${round}\nb${round}\nc${round}\n`;
    await expect.poll(() => state.text, { timeout: 10_000 }).toBe(wanted);
  }
  state.ended = true;
  await done;
  expect(state.text).toBe(wanted);
});

test('following ends with its container, also where that says nothing any more', async () => {
  const path = logFile(line(0, 'a'));
  const { state, done } = follow(path);
  await expect.poll(() => state.text).toBe('a\n');
  state.ended = true;
  await done;
  expect(state.text).toBe('a\n');
});

test('what a container wrote last before its end is read', async () => {
  const path = logFile(line(0, 'a'));
  const { state, done } = follow(path);
  await expect.poll(() => state.text).toBe('a\n');
  appendFileSync(path, Buffer.concat([line(1, 'b'), line(2, 'c').subarray(0, -1)]));
  state.ended = true;
  await done;
  expect(state.text).toBe('a\nb\nc\n');
});

test('following goes on where nothing more can be watched', async () => {
  limits.reached = true;
  onTestFinished(() => {
    limits.reached = false;
  });
  const path = logFile(line(0, 'a'));
  const { state, done } = follow(path);
  await expect.poll(() => state.text).toBe('a\n');
  appendFileSync(path, line(1, 'b'));
  await expect.poll(() => state.text, { timeout: 10_000 }).toBe('a\nb\n');
  state.ended = true;
  await done;
});

test('who follows may go, and gets no more than the limit', async () => {
  const path = logFile(line(0, 'a'));
  const first = follow(path);
  await expect.poll(() => first.state.text).toBe('a\n');
  first.stop.abort();
  await first.done;
  const second = follow(path, { limitBytes: 5 });
  appendFileSync(path, line(1, 'bcdefg'));
  await second.done;
  expect(second.state.text).toBe('a\nbcd');
});

test('a reader that takes its time is waited for', async () => {
  const path = logFile(...Array.from({ length: 50 }, (_, i) => line(i, `line ${i}`)));
  let writing = 0;
  let most = 0;
  const write = async () => {
    most = Math.max(most, ++writing);
    await clock.sleep(1);
    writing--;
  };
  await readLog(path, everything, { write, signal: new AbortController().signal, ended: async () => true, clock });
  expect(most).toBe(1);
});

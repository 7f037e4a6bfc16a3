// A process must outlive its log: /dev/full is a disk without room, a closed pipe a reader that has gone.
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { spawn } from './child-process.ts';

const fixture = fileURLToPath(new URL('./testing/talkative.ts', import.meta.url));
const linux = process.platform === 'linux';

async function exitWith(log: 'pino' | 'zap', stdio: 'full' | 'closed'): Promise<number | null> {
  const full = openSync('/dev/full', 'w');
  const child = spawn(process.execPath, [fixture, log], {
    stdio: ['pipe', stdio === 'full' ? full : 'pipe', stdio === 'full' ? full : 'pipe'],
  });
  closeSync(full);
  const ended = once(child, 'exit');
  child.stdout?.destroy();
  child.stderr?.destroy();
  child.stdin?.end();
  const [code] = await ended;
  return code;
}

test.skipIf(!linux).each([
  ['pino', 'full'],
  ['pino', 'closed'],
  ['zap', 'full'],
  ['zap', 'closed'],
] as const)('logging by %s on a %s stream does not end a program', { timeout: 60_000 }, async (log, stdio) => {
  // The program's own way to say that it came to its end.
  expect(await exitWith(log, stdio)).toBe(7);
});

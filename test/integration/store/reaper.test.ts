// A run of tests that is ended leaves nothing behind, whatever ends it.

import { existsSync } from 'node:fs';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { fork } from '@drydock/foundation/child-process.ts';
import { expect, test } from 'vitest';
import { exitOf, until } from './members.ts';

const program = fileURLToPath(new URL('testing/store-process.ts', import.meta.url));

function isThere(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

test.each(['SIGTERM', 'SIGKILL'] as const)(
  'members and folders of a process that %s has ended are gone',
  async (signal) => {
    const child = fork(program, { execArgv: [], stdio: 'inherit' });
    const { pid, folder } = await new Promise<{ pid: number; folder: string }>((resolve) =>
      child.once('message', (started) => resolve(started as { pid: number; folder: string })),
    );
    expect([isThere(pid), existsSync(folder)]).toEqual([true, true]);
    child.kill(signal);
    await exitOf(child);
    await until('the member has ended', () => !isThere(pid));
    await until('its folder is gone', () => !existsSync(folder));
  },
  90_000,
);

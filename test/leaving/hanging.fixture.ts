// A suite that leaves everything behind and never ends; leave-nothing.test.ts ends it.
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { spawn, spawnSync } from '@drydock/foundation/child-process.ts';
import { test } from 'vitest';

test('hangs', { timeout: 600_000 }, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'left-'));
  const mount = join(folder, 'mounted');
  mkdirSync(mount);
  const mounted = spawnSync('mount', ['-t', 'tmpfs', 'tmpfs', mount]).status === 0;
  const child = spawn('sleep', ['600'], { detached: true, stdio: 'ignore' });
  child.unref();
  const { DRYDOCK_TEST_REPORT: report = '' } = process.env;
  writeFileSync(report, JSON.stringify({ pid: child.pid, folder, mount: mounted ? mount : '' }));
  await new Promise((resolve) => setTimeout(resolve, 600_000));
});

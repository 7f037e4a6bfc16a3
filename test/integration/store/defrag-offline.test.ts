// `etcdutl defrag` on the data directory of a member that has stopped.

import { statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { spawn } from '@drydock/foundation/child-process.ts';
import { expect, test } from 'vitest';
import { Caller, contentOf } from './history.ts';
import { exitOf, Store, until } from './members.ts';

const launcher = fileURLToPath(new URL('../../../drydock', import.meta.url));
const minuteMs = 60_000;
const garbageMax = 60;

test('waits for the member to end, then gives its space back; nothing else changes', { timeout: minuteMs }, async () => {
  const store = await Store.start({ size: 1 });
  const caller = new Caller(store.endpoint(0));
  let defrag: ReturnType<typeof spawn> | undefined;
  try {
    for (let i = 0; i < garbageMax; i++) await caller.put('garbage', String(i).padEnd(100_000, 'x'));
    const { header } = await caller.put('garbage', 'small');
    await caller.compact(header?.revision ?? 0);
    // The hash at the compacted revision itself is another one after a restart, as etcd's is.
    await caller.put('after', 'compaction');
    const before = await contentOf(caller);
    const [member] = store.planned;
    const dataDir = member?.dataDir ?? '';
    const data = join(dataDir, 'member/db/data.mdb');

    let said = '';
    defrag = spawn(launcher, ['run', 'etcdutl', 'defrag', '--data-dir', dataDir], { stdio: ['ignore', 'ignore', 'pipe'] });
    defrag.stderr?.on('data', (text) => {
      said += text;
    });
    await until('it sees that the directory is in use', () => said.includes('waiting for etcd to close'));
    expect(defrag.exitCode).toBeNull();
    await store.stopMember(0, 'SIGTERM');
    const large = statSync(data).size;
    expect(await exitOf(defrag)).toBe(0);
    expect(large).toBeGreaterThan(garbageMax * 100_000);
    // The file of the data grows in steps of 1 MiB, and is never smaller than one.
    expect(statSync(data).size).toBeLessThan(large / 5);
    expect(said).toContain('finished defragmenting directory');

    store.startMember(0);
    await store.ready();
    await until('a leader', () => contentOf(caller).then(Boolean, () => false));
    expect(await contentOf(caller)).toEqual(before);
  } finally {
    defrag?.kill('SIGKILL');
    caller.close();
    await store.stop();
  }
});

// `etcdutl defrag`: gives back the free space of a data directory that no member uses.
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { openLmdbBackend } from '@drydock/etcd/mvcc/lmdb-backend.ts';
import type { Command } from './cobra.ts';
import { exitCode, UsageError } from './exit.ts';
import { info } from './log.ts';
import { humanBytes } from './print.ts';

const lockPollMs = 200;

export const defragCommand: Command = {
  use: 'defrag',
  short: 'Defragments the storage of the etcd',
  flags: {
    'data-dir': {
      ...{ type: 'string', default: '', typeName: 'string', required: true },
      usage: 'Required. Defragments a data directory not in use by etcd.',
    },
  },
  run: async (_, flags) => {
    const dataDir = String(flags['data-dir']);
    const folder = join(dataDir, 'member', 'db');
    if (!existsSync(join(folder, 'data.mdb'))) {
      const reason = `open ${join(folder, 'data.mdb')}: no such file or directory`;
      throw new UsageError(`Failed to defragment etcd data[${dataDir}] (${reason})`);
    }
    await unused(folder);
    const backend = openLmdbBackend(folder);
    try {
      const before = backend.sizes();
      info('defragmenting', { path: folder, ...described(before) });
      await backend.defragment();
      await backend.sync();
      const after = backend.sizes();
      const freed = { 'current-db-size-bytes-diff': after.totalBytes - before.totalBytes };
      info('finished defragmenting directory', { path: folder, ...freed, ...described(after) });
    } finally {
      await backend.close();
    }
    return exitCode.success;
  },
};

function described({ totalBytes, inUseBytes }: { totalBytes: number; inUseBytes: number }) {
  return {
    'current-db-size-bytes': totalBytes,
    'current-db-size': humanBytes(totalBytes),
    'current-db-size-in-use-bytes': inUseBytes,
    'current-db-size-in-use': humanBytes(inUseBytes),
  };
}

/** Resolves when no process has the backend open. */
async function unused(folder: string): Promise<void> {
  if (!isLocked(folder)) return;
  process.stderr.write(
    `waiting for etcd to close and release its lock on ${JSON.stringify(folder)}. To defrag a running etcd instance, use \`etcdctl defrag\` instead.\n`,
  );
  while (isLocked(folder)) await sleep(lockPollMs);
}

/** lmdb locks a file beside its data for as long as it is open; a member that has defragmented has it one folder deeper. */
function isLocked(folder: string): boolean {
  const locks = existsSync('/proc/locks') ? readFileSync('/proc/locks', 'utf8') : '';
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => /(?:^|\/)lock\.mdb$/.test(name))
    .some((name) => locks.includes(`:${statSync(join(folder, name)).ino} `));
}

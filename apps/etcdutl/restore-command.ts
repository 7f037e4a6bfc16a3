// `etcdutl snapshot restore`: the data directory of one member of a new cluster.
import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { restoreMember } from '@drydock/etcd/backup/restore.ts';
import { databaseIn } from '@drydock/etcd/backup/snapshot-file.ts';
import { openBolt } from '@drydock/etcd/bbolt/reader.ts';
import { openLmdbBackend } from '@drydock/etcd/mvcc/lmdb-backend.ts';
import { clusterId, hexId, memberId } from '@drydock/etcd/server/members.ts';
import { parseInitialCluster, parseUrls } from '@drydock/etcd/server/urls.ts';
import { NodeDisk } from '@drydock/foundation/node-disk.ts';
import type { Command } from './cobra.ts';
import { exitCode, UsageError } from './exit.ts';
import { withFile } from './file-source.ts';
import { info } from './log.ts';

const defaultUrl = 'http://localhost:2380';

interface RestoreFlags {
  readonly 'data-dir': string;
  readonly 'wal-dir': string;
  readonly 'initial-cluster': string;
  readonly 'initial-cluster-token': string;
  readonly 'initial-advertise-peer-urls': string;
  readonly name: string;
  readonly 'skip-hash-check': boolean;
  readonly 'bump-revision': number;
  readonly 'mark-compacted': boolean;
}

const text = (fallback: string, usage: string) => ({ type: 'string', default: fallback, usage, typeName: 'string' }) as const;
const toggle = (usage: string) => ({ type: 'bool', default: false, usage, typeName: '' }) as const;
const count = (usage: string) => ({ type: 'int', default: 0, usage, typeName: 'uint' }) as const;

export const restoreCommand: Command = {
  use: 'restore <filename> --data-dir {output dir} [options]',
  short: 'Restores an etcd member snapshot to an etcd directory',
  flags: {
    'data-dir': { ...text('', 'Path to the output data directory'), required: true },
    'wal-dir': text('', 'Path to the WAL directory (use --data-dir if none given)'),
    'initial-cluster': text(`default=${defaultUrl}`, 'Initial cluster configuration for restore bootstrap'),
    'initial-cluster-token': text('etcd-cluster', 'Initial cluster token for the etcd cluster during restore bootstrap'),
    'initial-advertise-peer-urls': text(defaultUrl, "List of this member's peer URLs to advertise to the rest of the cluster"),
    name: text('default', 'Human-readable name for this member'),
    'skip-hash-check': toggle('Ignore snapshot integrity hash value (required if copied from data directory)'),
    'initial-memory-map-size': {
      ...count('Initial memory map size of the database in bytes. It uses the default value if not defined or defined to 0'),
      default: 10_737_418_240,
    },
    'bump-revision': count('How much to increase the latest revision after restore'),
    'mark-compacted': toggle(
      'Mark the latest revision after restore as the point of scheduled compaction (required if --bump-revision > 0, disallowed otherwise)',
    ),
  },
  run: async (args, flags) => {
    const [file] = args;
    if (file === undefined || args.length !== 1)
      throw new UsageError('snapshot restore requires exactly one argument', exitCode.badArgs);
    await restore(file, flags as unknown as RestoreFlags);
    return exitCode.success;
  },
};

async function restore(file: string, flags: RestoreFlags): Promise<void> {
  const bumpRevision = flags['bump-revision'];
  if (bumpRevision > 0 !== flags['mark-compacted'])
    throw new UsageError('--mark-compacted required if --revision-bump > 0', exitCode.badArgs);
  const settings = newCluster(flags);
  const dataDir = flags['data-dir'];
  if (existsSync(dataDir) && !isEmptyFolder(dataDir))
    throw new UsageError(`data-dir ${JSON.stringify(dataDir)} not empty or could not be read`);
  const walDir = join(dataDir, 'member', 'wal');
  if (flags['wal-dir'] !== '' && join(flags['wal-dir']) !== walDir)
    throw new UsageError(`wal-dir ${JSON.stringify(flags['wal-dir'])} is not supported: the log is part of the data-dir`);
  const places = { path: file, 'wal-dir': walDir, 'data-dir': dataDir, 'snap-dir': join(dataDir, 'member', 'snap') };
  info('restoring snapshot', places);
  await withFile(file, 'open', async (source) => {
    const root = openBolt(databaseIn(source, flags['skip-hash-check']));
    const db = join(dataDir, 'member', 'db');
    mkdirSync(db, { recursive: true, mode: 0o700 });
    const backend = openLmdbBackend(db);
    try {
      const { latest, current } = await restoreMember(
        root,
        { ...settings, bumpRevision },
        { backend, disk: new NodeDisk(dataDir) },
      );
      if (current !== latest) {
        info('bumping latest revision', {
          'latest-revision': latest,
          'bump-amount': bumpRevision,
          'new-latest-revision': current,
        });
        info('marking revision compacted', { revision: current });
      }
    } finally {
      await backend.close();
    }
  });
  for (const { id, peerUrls } of settings.members) {
    const added = { 'added-peer-id': hexId(id), 'added-peer-peer-urls': peerUrls };
    info('added member', { 'cluster-id': hexId(settings.clusterId), ...added });
  }
  info('restored snapshot', places);
}

/** The members that the flags describe, with the ids they will have. Throws UrlError, UsageError. */
function newCluster(flags: RestoreFlags) {
  const advertised = parseUrls(flags['initial-advertise-peer-urls'].split(',')).map((url) => url.text);
  const described = parseInitialCluster(flags['initial-cluster']);
  const own = described.get(flags.name);
  if (own === undefined)
    throw new UsageError(`couldn't find local name ${JSON.stringify(flags.name)} in the initial cluster configuration`);
  if (own.join() !== advertised.join()) throw new UsageError(notAdvertised(flags.name, own, advertised));
  const token = flags['initial-cluster-token'];
  const members = [...described].map(([name, peerUrls]) => ({ id: memberId(peerUrls, token), name, peerUrls }));
  return { id: memberId(own, token), clusterId: clusterId(members.map(({ id }) => id)), members };
}

function notAdvertised(name: string, own: readonly string[], advertised: readonly string[]): string {
  const described = own.map((url) => `${name}=${url}`).join(',');
  const differs = own.findIndex((url, i) => url !== advertised[i]);
  const missing = `but missing from --initial-advertise-peer-urls=${advertised.join(',')}`;
  const resolved =
    own.length === advertised.length
      ? `resolved urls: ${JSON.stringify(advertised[differs])} != ${JSON.stringify(own[differs])}`
      : `len(${JSON.stringify(advertised)}) != len(${JSON.stringify(own)})`;
  return `--initial-cluster has ${described} ${missing} (${resolved})`;
}

function isEmptyFolder(path: string): boolean {
  try {
    return readdirSync(path).length === 0;
  } catch {
    return false;
  }
}

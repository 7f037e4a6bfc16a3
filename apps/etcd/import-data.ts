// A data directory that etcd itself has left is made into one of ours before anything is opened. Until the new one is complete and
// durable nothing of the old one is touched; then two renames put it in its place, and etcd's files stay beside it.
import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { SnapshotFileError } from '@drydock/etcd/backup/snapshot-file.ts';
import { BoltError } from '@drydock/etcd/bbolt/errors.ts';
import { ImportError } from '@drydock/etcd/import/errors.ts';
import { isEtcdFolder, ownerOf, withEtcdFolder } from '@drydock/etcd/import/etcd-folder.ts';
import { type Imported, importMember } from '@drydock/etcd/import/import-member.ts';
import { openLmdbBackend } from '@drydock/etcd/mvcc/lmdb-backend.ts';
import { hexId } from '@drydock/etcd/server/members.ts';
import type { Log } from '@drydock/foundation/log.ts';
import { NodeDisk } from '@drydock/foundation/node-disk.ts';
import { StartupError } from '@drydock/foundation/program.ts';

const member = 'member';
/** Where etcd's files are kept. */
const kept = 'member.etcd';
/** Where the new ones are made. */
const made = 'member.import';

/** Throws StartupError; the directory is as it was then. */
export async function importEtcdData(dataDir: string, log: Log): Promise<void> {
  const at = (...names: string[]) => join(dataDir, ...names);
  if (!existsSync(at(member)) && existsSync(at(kept)) && existsSync(at(made, member))) {
    // Ended between the two renames.
    await putInPlace(dataDir);
    log.info({ 'data-dir': dataDir, kept: at(kept) }, "finished taking over etcd's data directory");
    return;
  }
  if (!isEtcdFolder(at(member))) return;
  const owner = ownerOf(at(member));
  if (owner !== undefined) throw new StartupError(`the data directory ${dataDir} is in use by process ${owner}`);
  if (existsSync(at(kept))) throw new StartupError(`${at(kept)} is in the way of taking over etcd's data directory ${dataDir}`);
  log.info({ 'data-dir': dataDir }, "taking over etcd's data directory");
  rmSync(at(made), { recursive: true, force: true });
  const imported = await make(dataDir, log);
  await new NodeDisk(dataDir).rename(member, kept);
  await putInPlace(dataDir);
  const { id, clusterId, ...places } = imported;
  const who = { 'local-member-id': hexId(id), 'cluster-id': hexId(clusterId) };
  log.info({ 'data-dir': dataDir, kept: at(kept), ...who, ...places }, "took over etcd's data directory");
}

async function make(dataDir: string, log: Log): Promise<Imported> {
  const folder = join(dataDir, made);
  const db = join(folder, member, 'db');
  try {
    return await withEtcdFolder(join(dataDir, member), log, async (source) => {
      mkdirSync(db, { recursive: true, mode: 0o700 });
      const backend = openLmdbBackend(db);
      try {
        return await importMember(source, { backend, disk: new NodeDisk(folder) });
      } finally {
        await backend.close();
      }
    });
  } catch (error) {
    rmSync(folder, { recursive: true, force: true });
    if (!(error instanceof ImportError) && !(error instanceof BoltError) && !(error instanceof SnapshotFileError)) throw error;
    throw new StartupError(`cannot take over etcd's data directory ${dataDir}: ${error.message}`, { cause: error });
  }
}

async function putInPlace(dataDir: string): Promise<void> {
  const folder = join(dataDir, made);
  for (const name of readdirSync(join(folder, member))) syncFolder(join(folder, member, name));
  syncFolder(join(folder, member));
  await new NodeDisk(dataDir).rename(`${made}/${member}`, member);
  rmSync(folder, { recursive: true, force: true });
}

function syncFolder(path: string): void {
  const fd = openSync(path, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

// Adapter: the files that etcd keeps under `member` of its data directory.
import { closeSync, existsSync, fstatSync, openSync, readdirSync, readFileSync, readSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Log } from '@drydock/foundation/log.ts';
import { type BoltSource, openBolt } from '../bbolt/reader.ts';
import { parseSegmentName } from '../wal/segment-name.ts';
import { ImportError } from './errors.ts';
import { type EtcdLog, readEtcdLog } from './etcd-log.ts';
import { type EtcdSnapshot, readEtcdSnapshot } from './etcd-snapshot.ts';
import type { EtcdSegment } from './etcd-wal.ts';
import { consistentIndex, type ImportSource } from './import-member.ts';

const databaseOf = (member: string) => join(member, 'snap', 'db');

/** Whether the folder is etcd's, and not ours. */
export function isEtcdFolder(member: string): boolean {
  return existsSync(databaseOf(member)) && readdirSyncOrEmpty(join(member, 'db')).length === 0;
}

/** The process that has the database open; undefined where there is none, or nobody can say. */
export function ownerOf(member: string): number | undefined {
  try {
    const { ino } = statSync(databaseOf(member));
    const line = new RegExp(`FLOCK\\s+ADVISORY\\s+WRITE\\s+(\\d+)\\s+[0-9a-f]+:[0-9a-f]+:${ino}\\s`);
    const pid = line.exec(readFileSync('/proc/locks', 'utf8'))?.[1];
    return pid === undefined ? undefined : Number(pid);
  } catch {
    return undefined;
  }
}

/** Calls `use` with what is there. Throws ImportError and BoltError. */
export async function withEtcdFolder<T>(member: string, log: Log, use: (source: ImportSource) => Promise<T>): Promise<T> {
  const etcdLog = readEtcdLog(segmentsIn(join(member, 'wal')));
  const snapshot = newestSnapshot(join(member, 'snap'), etcdLog, log);
  const files: number[] = [];
  const open = (path: string): BoltSource => {
    const fd = openSync(path, 'r');
    files.push(fd);
    const read = (offset: number, length: number): Buffer => {
      const buffer = Buffer.allocUnsafeSlow(length);
      return buffer.subarray(0, readSync(fd, buffer, 0, length, offset));
    };
    return { size: fstatSync(fd).size, read };
  };
  try {
    let database = open(databaseOf(member));
    if (snapshot !== undefined && consistentIndex(openBolt(database)) < snapshot.index) {
      // What the leader has sent was not in its place yet.
      const received = join(member, 'snap', `${hex(snapshot.index)}.snap.db`);
      if (existsSync(received)) database = open(received);
    }
    return await use({ log: etcdLog, snapshot, database });
  } finally {
    for (const fd of files) closeSync(fd);
  }
}

function segmentsIn(folder: string): EtcdSegment[] {
  const names = readdirSyncOrEmpty(folder).flatMap((file) => parseSegmentName(file) ?? []);
  const ordered = names.sort((a, b) => a.sequence - b.sequence);
  if (ordered.length === 0) throw new ImportError(`no log in ${folder}`);
  for (const [i, { file, sequence }] of ordered.entries()) {
    if (sequence !== (ordered[0]?.sequence ?? 0) + i) throw new ImportError(`a segment before ${file} is missing`);
  }
  return ordered.map(({ file }) => ({ file, read: () => readFileSync(join(folder, file)) }));
}

/** Of those that the log knows and has committed. One that is damaged counts as none, as long as the log reaches back far enough. */
function newestSnapshot(folder: string, { snapshots, hardState }: EtcdLog, log: Log): EtcdSnapshot | undefined {
  const known = snapshots.filter(({ index }) => index > 0 && index <= hardState.commit).sort((a, b) => b.index - a.index);
  for (const { index, term } of known) {
    const file = `${hex(term)}-${hex(index)}.snap`;
    const path = join(folder, file);
    if (!existsSync(path)) continue;
    try {
      return readEtcdSnapshot(file, readFileSync(path));
    } catch (error) {
      if (!(error instanceof ImportError) || error.message.includes('v2 API')) throw error;
      log.warn({ path, error: error.message }, 'failed to read a snap file');
    }
  }
  return undefined;
}

function hex(value: number): string {
  return value.toString(16).padStart(16, '0');
}

function readdirSyncOrEmpty(path: string): string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}

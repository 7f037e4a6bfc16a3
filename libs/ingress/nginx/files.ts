// Adapter: the files of one nginx. Written whole, readable by who needs them only: keys by root, passwords by root and the workers.
import { chmodSync, chownSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { DataPlaneContent } from '../data-plane.ts';
import { files } from './options.ts';

/** Whom workers run as: a name, and its numbers. */
export interface WorkerUser {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
}

/** Debian's user for web servers, else nobody; undefined where neither is in the list of users. */
export function findWorkerUser(passwd: string): WorkerUser | undefined {
  for (const name of ['www-data', 'nobody']) {
    const fields = passwd
      .split('\n')
      .map((line) => line.split(':'))
      .find(([user]) => user === name);
    if (fields !== undefined) return { name, uid: Number(fields[2]), gid: Number(fields[3]) };
  }
  return undefined;
}

/** Makes the folders. Those above need not let anybody in: nginx is started in `folder` and names everything relative to it. */
export function makeFolders(folder: string, worker: WorkerUser | undefined): void {
  mkdirSync(folder, { recursive: true, mode: 0o711 });
  for (const [name, mode] of [
    [files.tls, 0o700],
    ['control', 0o700],
    [files.passwords, 0o750],
    [files.temporary, 0o700],
  ] as const) {
    const path = join(folder, name);
    mkdirSync(path, { recursive: true, mode });
    chmodSync(path, mode);
  }
  if (worker === undefined) return;
  chownSync(join(folder, files.passwords), 0, worker.gid);
  chownSync(join(folder, files.temporary), worker.uid, worker.gid);
}

/** Writes what is new or other; returns names that are not of the content, for `removeFiles` once nothing uses them any more. */
export function writeFiles(folder: string, content: DataPlaneContent, worker: WorkerUser | undefined): string[] {
  const wanted = new Map<string, { text: string; mode: number; gid?: number }>();
  for (const [name, { certificatePem, keyPem }] of content.certificates) {
    wanted.set(`${files.tls}/${name}.crt`, { text: certificatePem, mode: 0o600 });
    wanted.set(`${files.tls}/${name}.key`, { text: keyPem, mode: 0o600 });
  }
  for (const [name, text] of content.passwords)
    wanted.set(`${files.passwords}/${name}`, { text, mode: 0o640, ...(worker === undefined ? {} : { gid: worker.gid }) });
  wanted.set(files.backends, { text: content.backends, mode: 0o600 });
  for (const [name, { text, mode, gid }] of wanted) {
    const path = join(folder, name);
    if (readIfThere(path) === text) continue;
    writeFileSync(`${path}.tmp`, text, { mode });
    if (gid !== undefined) chownSync(`${path}.tmp`, 0, gid);
    renameSync(`${path}.tmp`, path);
  }
  return [files.tls, files.passwords].flatMap((part) =>
    readdirSync(join(folder, part))
      .map((name) => `${part}/${name}`)
      .filter((name) => !wanted.has(name)),
  );
}

export function removeFiles(folder: string, names: readonly string[]): void {
  for (const name of names) rmSync(join(folder, name), { force: true });
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

// Adapter: replaces a set of files as one: readers see the old set or the new one, through the link `..data`
// (pkg/volume/util/atomic_writer.go).
import { chmod, chown, mkdir, mkdtemp, readdir, readFile, readlink, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

export interface PayloadFile {
  readonly data: Uint8Array;
  readonly mode: number;
}

/** Relative path to content. */
export type Payload = ReadonlyMap<string, PayloadFile>;

/** Writes `payload` into `folder`; nothing is touched where it is there already. True where something changed. */
export async function writeAtomically(folder: string, payload: Payload, group?: number): Promise<boolean> {
  await mkdir(folder, { recursive: true, mode: 0o777 });
  await chmod(folder, 0o777);
  const current = await readlink(join(folder, '..data')).catch(() => undefined);
  if (current !== undefined && (await isSame(join(folder, current), payload))) return false;
  const fresh = await mkdtemp(`${folder}/..`);
  await chmod(fresh, 0o755);
  for (const [path, { data, mode }] of payload) {
    const target = join(fresh, path);
    await mkdir(dirname(target), { recursive: true, mode: 0o755 });
    await writeFile(target, data);
    await chmod(target, group === undefined ? mode : mode | 0o040);
    if (group !== undefined) await chown(target, 0, group);
  }
  const name = fresh.slice(folder.length + 1);
  await rm(join(folder, '..data_tmp'), { force: true });
  await symlink(name, join(folder, '..data_tmp'));
  await rename(join(folder, '..data_tmp'), join(folder, '..data'));
  await linkTopLevel(folder, payload);
  if (current !== undefined) await rm(join(folder, current), { recursive: true, force: true });
  return true;
}

async function linkTopLevel(folder: string, payload: Payload): Promise<void> {
  const wanted = new Set([...payload.keys()].map((path) => path.split('/')[0] ?? ''));
  const present = new Set((await readdir(folder)).filter((name) => !name.startsWith('..')));
  for (const name of wanted) if (!present.has(name)) await symlink(`..data/${name}`, join(folder, name));
  for (const name of present) if (!wanted.has(name)) await rm(join(folder, name), { force: true, recursive: true });
}

async function isSame(folder: string, payload: Payload): Promise<boolean> {
  const there = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  if (there.filter((entry) => entry.isFile()).length !== payload.size) return false;
  for (const [path, { data }] of payload) {
    const content = await readFile(join(folder, path)).catch(() => undefined);
    if (content === undefined || Buffer.compare(content, data) !== 0) return false;
  }
  return true;
}

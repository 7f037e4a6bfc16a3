// Adapter: Debian's packages as files of an image, without installing them on this machine.
import { chmodSync, lstatSync, mkdtempSync, readdirSync, readlinkSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LabError } from '../errors.ts';
import { ToolError, tool } from '../machine/spawn.ts';
import type { LayerEntry } from './image-spec.ts';

const dependsOnly = ['recommends', 'suggests', 'conflicts', 'breaks', 'replaces', 'enhances'].map((kind) => `--no-${kind}`);
/** For a reader, not for a program. */
const leftOut = ['usr/share/doc', 'usr/share/man', 'usr/share/lintian', 'usr/share/locale'];

/**
 * Calls `use` with the files of the packages and of all that they depend on; `copy` entries are there only until it ends. Nothing of
 * the packages is run. Throws LabError where they cannot be had.
 */
export async function withDebianPackages<T>(
  packages: readonly string[],
  use: (entries: readonly LayerEntry[]) => Promise<T>,
): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'dd-packages-'));
  try {
    // apt downloads as a user of its own.
    chmodSync(folder, 0o755);
    for (const file of await download(packages, folder)) await tool(['dpkg-deb', '-x', file, join(folder, 'root')]);
    return await use(entriesOf(join(folder, 'root'), ''));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function download(packages: readonly string[], folder: string): Promise<string[]> {
  try {
    return await downloadListed(packages, folder);
  } catch (error) {
    if (!(error instanceof ToolError)) throw error;
  }
  // A machine that has never asked what there is, or asked long ago.
  try {
    await tool(['apt-get', 'update', '-qq']);
    return await downloadListed(packages, folder);
  } catch (error) {
    if (!(error instanceof ToolError)) throw error;
    throw new LabError('missing-packages', `cannot get Debian's packages ${packages.join(', ')}: ${error.stderr.trim()}`);
  }
}

async function downloadListed(packages: readonly string[], folder: string): Promise<string[]> {
  const listed = await tool(['apt-cache', 'depends', '--recurse', ...dependsOnly, ...packages]);
  // Lines that begin a package; those of a virtual package, and what only configures packages, hold no files.
  const names = [...new Set(listed.split('\n').filter((line) => /^[a-z0-9]/.test(line) && !line.startsWith('debconf')))];
  if (names.length === 0) throw new ToolError('apt-cache depends', `there is no package ${packages.join(', ')}`);
  await tool(['sh', '-c', 'cd "$1" && shift && exec apt-get download -qq "$@"', 'sh', folder, ...names]);
  return readdirSync(folder)
    .filter((name) => name.endsWith('.deb'))
    .map((name) => join(folder, name));
}

function entriesOf(root: string, path: string): LayerEntry[] {
  return readdirSync(join(root, path))
    .sort()
    .flatMap((name): LayerEntry[] => {
      const inner = path === '' ? name : `${path}/${name}`;
      if (leftOut.includes(inner)) return [];
      const source = join(root, inner);
      const stat = lstatSync(source);
      const mode = stat.mode & 0o7777;
      if (stat.isSymbolicLink()) return [{ type: 'link', path: inner, target: readlinkSync(source) }];
      if (stat.isDirectory()) return [{ type: 'folder', path: inner, mode }, ...entriesOf(root, inner)];
      return stat.isFile() ? [{ type: 'copy', path: inner, mode, source }] : [];
    });
}

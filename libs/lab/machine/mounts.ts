// Adapter: mounts below a folder, found in /proc/mounts and taken off, deepest first.
import { readFileSync } from 'node:fs';
import { succeeds } from './spawn.ts';

/** Mount points at or below `folder`, deepest first. */
export function mountsBelow(folder: string): string[] {
  let text: string;
  try {
    text = readFileSync('/proc/mounts', 'utf8');
  } catch {
    return [];
  }
  return text
    .split('\n')
    .map((line) => unescapeMount(line.split(' ')[1] ?? ''))
    .filter((path) => path === folder || path.startsWith(`${folder}/`))
    .sort((a, b) => b.length - a.length);
}

/** Unmounts everything below the folders; lazily, because a dying process may still stand in one. */
export async function unmountBelow(folders: readonly string[]): Promise<void> {
  const batch = 100;
  const mounts = folders.flatMap(mountsBelow);
  for (let i = 0; i < mounts.length; i += batch) await succeeds(['umount', '-l', ...mounts.slice(i, i + batch)]);
}

function unescapeMount(path: string): string {
  return path.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));
}

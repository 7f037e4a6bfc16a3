// Adapter: what is mounted where, as the kernel tells it (proc(5), /proc/PID/mountinfo).
import { readFileSync } from 'node:fs';

const mountPointField = 4;

/** The mount points of a mountinfo text, in its order, with its escapes (`\040` for a space) undone. */
export function parseMountPoints(text: string): string[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => unescapeMount(line.split(' ')[mountPointField] ?? ''));
}

/**
 * Mount points below `folder` in this process's mount namespace, deepest first; `folder` itself is not among them. `folder` is a
 * path without links. Empty where there is no /proc.
 */
export function mountPointsBelow(folder: string): string[] {
  return mountPoints()
    .filter((path) => path.startsWith(folder.endsWith('/') ? folder : `${folder}/`))
    .sort((a, b) => b.length - a.length);
}

/** Whether something is mounted at `folder` itself. */
export function isMountPoint(folder: string): boolean {
  return mountPoints().includes(folder);
}

function mountPoints(): string[] {
  try {
    return parseMountPoints(readFileSync('/proc/self/mountinfo', 'utf8'));
  } catch {
    return [];
  }
}

function unescapeMount(path: string): string {
  return path.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));
}

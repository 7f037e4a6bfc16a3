// The mounts of this process's namespace: /proc/self/mountinfo (proc(5)).
import { readFileSync } from 'node:fs';

export interface MountPoint {
  /** What `mountIdOf` says of a handle in it. */
  readonly id: number;
  /** One character per byte (latin1): names are bytes, and containers choose some of them. */
  readonly point: string;
  /** `major:minor` of the file system. */
  readonly device: string;
  /** What of the file system is mounted, as a path in it; latin1 like `point`. */
  readonly root: string;
  /** This mount is, whatever the file system is. */
  readonly isReadOnly: boolean;
}

/** Pure. Space, tab, newline and backslash are written as `\ooo`. */
export function parseMountInfo(latin1: string): MountPoint[] {
  const mounts: MountPoint[] = [];
  for (const line of latin1.split('\n')) {
    const [id, , device, root, point, options] = line.split(' ');
    if (device === undefined || root === undefined || point === undefined) continue;
    const isReadOnly = options?.split(',').includes('ro') === true;
    mounts.push({ id: Number(id), point: unescapePath(point), device, root: unescapePath(root), isReadOnly });
  }
  return mounts;
}

function unescapePath(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));
}

/** All mounts, in the order in which they were made. */
export function allMounts(): MountPoint[] {
  try {
    // Memory of the kernel: nothing that could be waited for.
    return parseMountInfo(readFileSync('/proc/self/mountinfo', 'latin1'));
  } catch {
    // Not Linux: what runs there mounts nothing.
    return [];
  }
}

/** Mounts strictly below the real path `folder`, deepest first, of several at one place the newest first. */
export function mountsBelow(folder: string): MountPoint[] {
  const prefix = `${Buffer.from(folder).toString('latin1').replace(/\/+$/, '')}/`;
  const found = allMounts().filter(({ point }) => point.startsWith(prefix));
  const depth = ({ point }: MountPoint) => point.split('/').length;
  return found.reverse().sort((a, b) => depth(b) - depth(a));
}

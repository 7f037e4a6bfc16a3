// The mounts of this process's namespace: /proc/self/mountinfo (proc(5)).
import { readFileSync } from 'node:fs';

export interface MountPoint {
  /** What `mountIdOf` says of a handle in it. */
  readonly id: number;
  /** One character per byte (latin1): names are bytes, and containers choose some of them. */
  readonly point: string;
}

/** Pure. Space, tab, newline and backslash are written as `\ooo`. */
export function parseMountInfo(latin1: string): MountPoint[] {
  const mounts: MountPoint[] = [];
  for (const line of latin1.split('\n')) {
    const [id, , , , point] = line.split(' ');
    if (point !== undefined) mounts.push({ id: Number(id), point: unescapePath(point) });
  }
  return mounts;
}

function unescapePath(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));
}

/** Mounts strictly below the real path `folder`, deepest first, of several at one place the newest first. */
export function mountsBelow(folder: string): MountPoint[] {
  const prefix = `${Buffer.from(folder).toString('latin1').replace(/\/+$/, '')}/`;
  let text: string;
  try {
    // Memory of the kernel: nothing that could be waited for.
    text = readFileSync('/proc/self/mountinfo', 'latin1');
  } catch {
    // Not Linux: what runs there mounts nothing.
    return [];
  }
  const found = parseMountInfo(text).filter(({ point }) => point.startsWith(prefix));
  const depth = ({ point }: MountPoint) => point.split('/').length;
  return found.reverse().sort((a, b) => depth(b) - depth(a));
}

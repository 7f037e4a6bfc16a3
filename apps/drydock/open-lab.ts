// Finds the lab that a command is about: name, folders, ports.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { SystemClock } from '@drydock/foundation/system-clock.ts';
import { SystemRandom } from '@drydock/foundation/system-random.ts';
import { defaultConfig } from '@drydock/lab/config.ts';
import { Lab } from '@drydock/lab/lab.ts';

export const repo = resolve(fileURLToPath(new URL('../..', import.meta.url)));

/** A lab called `name` with its files in `dir`; nothing is touched yet. */
export function openLab(name = process.env.DRYDOCK_NAME ?? defaultConfig.name, dir = process.env.DRYDOCK_DIR): Lab {
  const folder = resolve(dir ?? join(repo, '.drydock', name));
  const cache = join(repo, 'node_modules', '.cache');
  return new Lab(name, {
    paths: { repo, dir: folder, run: runFolder(name, folder) },
    clock: new SystemClock(),
    random: new SystemRandom(),
    compileCache: process.env.NODE_COMPILE_CACHE ?? join(cache, 'compile'),
    imageCache: join(cache, 'drydock-images'),
  });
}

/** Unix socket paths hold 107 characters, so sockets are not below the lab's folder, which may be anywhere. */
function runFolder(name: string, folder: string): string {
  if (process.getuid?.() === 0) return `/run/drydock/${name}`;
  const runtime = process.env.XDG_RUNTIME_DIR;
  const base =
    runtime !== undefined && existsSync(runtime)
      ? join(runtime, 'drydock')
      : join(tmpdir(), `drydock-${process.getuid?.() ?? 0}`);
  mkdirSync(base, { recursive: true, mode: 0o700 });
  return join(base, `${name}-${createHash('sha256').update(folder).digest('hex').slice(0, 6)}`);
}

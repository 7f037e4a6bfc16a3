// Adapter: begins a container's log anew when it has grown, and keeps a few of the old ones (pkg/kubelet/logs, container_log_manager.go).
import { createReadStream, createWriteStream } from 'node:fs';
import { readdir, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import type { Clock } from '@drydock/foundation/clock.ts';
import type { Log } from '@drydock/foundation/log.ts';
import type { ContainerDetail, ContainerEngine } from '../engine/engine.ts';

/** How often sizes are looked at (containerLogMonitorInterval). */
export const logMonitorMs = 10_000;

export interface RotationPorts {
  readonly engine: Pick<ContainerEngine, 'reopenLog'>;
  readonly clock: Clock;
  readonly log: Log;
  readonly bytesMax: number;
  readonly filesMax: number;
  readonly running: () => Iterable<ContainerDetail>;
}

export async function rotateForever(ports: RotationPorts, signal: AbortSignal): Promise<void> {
  if (ports.bytesMax <= 0) return;
  while (!signal.aborted) {
    await ports.clock.sleep(logMonitorMs, signal).catch(() => {});
    if (signal.aborted) return;
    for (const { id, logPath } of ports.running()) {
      if (logPath === '') continue;
      try {
        if ((await stat(logPath)).size >= ports.bytesMax) await rotate(ports, id, logPath);
      } catch (err) {
        if ((err as NodeJS.ErrnoException).code !== 'ENOENT') ports.log.warn({ err, container: id }, 'log not rotated');
      }
    }
  }
}

/** Afterwards there are at most `filesMax - 1` old files beside the new one; all but the newest of them are compressed. */
export async function rotate({ engine, clock, filesMax }: RotationPorts, id: string, path: string): Promise<void> {
  const folder = dirname(path);
  const names = (await readdir(folder)).filter((name) => name.startsWith(`${basename(path)}.`));
  for (const name of names.filter((each) => each.endsWith('.tmp'))) await rm(join(folder, name), { force: true });
  const old = names.filter((each) => !each.endsWith('.tmp')).sort();
  const kept = old.slice(Math.max(0, old.length - (filesMax - 2)));
  for (const name of old) if (!kept.includes(name)) await rm(join(folder, name), { force: true });
  for (const name of kept) if (!name.endsWith('.gz')) await compress(join(folder, name));
  const aside = `${path}.${stamp(clock.wallMs())}`;
  await rename(path, aside);
  try {
    await engine.reopenLog(id);
  } catch (error) {
    // The engine goes on writing to the file it has open: that must stay the one under the known name.
    await rename(aside, path).catch(() => {});
    throw error;
  }
}

async function compress(path: string): Promise<void> {
  await pipeline(createReadStream(path), createGzip(), createWriteStream(`${path}.gz.tmp`));
  await rename(`${path}.gz.tmp`, `${path}.gz`);
  await rm(path, { force: true });
}

/** `20260131-120000`. */
function stamp(wallMs: number): string {
  return new Date(wallMs).toISOString().slice(0, 19).replaceAll(/[-:]/g, '').replace('T', '-');
}

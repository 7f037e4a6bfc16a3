// Adapter: begins a container's log anew when it has grown, and keeps a few of the old ones (pkg/kubelet/logs, container_log_manager.go).
import { basename, dirname } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { Directory } from '@drydock/foundation/beneath/directory.ts';
import { removeTree } from '@drydock/foundation/beneath/remove.ts';
import { openPlainFile } from '@drydock/foundation/beneath/tail.ts';
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
        if ((await sizeOf(logPath)) >= ports.bytesMax) await rotate(ports, id, logPath);
      } catch (err) {
        if ((err as NodeJS.ErrnoException).code !== 'ENOENT') ports.log.warn({ err, container: id }, 'log not rotated');
      }
    }
  }
}

/** Afterwards there are at most `filesMax - 1` old files beside the new one; all but the newest of them are compressed. */
export async function rotate({ engine, clock, filesMax }: RotationPorts, id: string, path: string): Promise<void> {
  await using folder = await Directory.open(dirname(path));
  const own = basename(path);
  const names: string[] = [];
  for await (const { name } of folder.entries()) if (name.toString().startsWith(`${own}.`)) names.push(name.toString());
  for (const name of names.filter((each) => each.endsWith('.tmp'))) await removeTree(folder, name);
  const old = names.filter((each) => !each.endsWith('.tmp')).sort();
  const kept = old.slice(Math.max(0, old.length - (filesMax - 2)));
  for (const name of old) if (!kept.includes(name)) await removeTree(folder, name);
  for (const name of kept) if (!name.endsWith('.gz')) await compress(folder, name);
  const aside = `${own}.${stamp(clock.wallMs())}`;
  await folder.rename(own, aside);
  try {
    await engine.reopenLog(id);
  } catch (error) {
    // The engine goes on writing to the file it has open: that must stay the one under the known name.
    await folder.rename(aside, own).catch(() => {});
    throw error;
  }
}

async function sizeOf(path: string): Promise<number> {
  await using file = await openPlainFile(path);
  return (await file.stat()).size;
}

async function compress(folder: Directory, name: string): Promise<void> {
  const from = await folder.openFile(name);
  const to = await folder.createNew(`${name}.gz.tmp`);
  await to.chmod((await from.stat()).mode & 0o777);
  // The streams close the handles, at the end and where one fails.
  await pipeline(from.createReadStream(), createGzip(), to.createWriteStream());
  await folder.rename(`${name}.gz.tmp`, `${name}.gz`);
  await folder.unlink(name);
}

/** `20260131-120000`. */
function stamp(wallMs: number): string {
  return new Date(wallMs).toISOString().slice(0, 19).replaceAll(/[-:]/g, '').replace('T', '-');
}

// The log of a container of this node, read or followed until its container has ended.
import type { ContainerDetail } from '../engine/engine.ts';
import { type LogOptions, readLog, type WriteLog } from './log-reader.ts';
import type { ServerPorts } from './servers.ts';

/** Resolves when all was written, or the signal aborts. */
export async function followLog(
  { engine, clock }: ServerPorts,
  found: ContainerDetail,
  options: LogOptions,
  write: WriteLog,
  signal: AbortSignal,
): Promise<void> {
  // An engine that does not answer says nothing of the container.
  const ended = async () => {
    try {
      return (await engine.container(found.id))?.state !== 'running';
    } catch {
      return false;
    }
  };
  try {
    await readLog(found.logPath, options, { write, signal, ended, clock });
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

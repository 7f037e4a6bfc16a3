// Adapter: the folders of pods' logs, `NS_NAME_UID/CONTAINER`: their names and what is removed of them. A container chooses what is
// in a log, never its name; one that has the folder mounted from the host might.
import { basename, dirname } from 'node:path';
import type { Pod } from '@drydock/api/generated/types.ts';
import { type FileCalls, nodeCalls } from '@drydock/foundation/beneath/calls.ts';
import { Directory } from '@drydock/foundation/beneath/directory.ts';
import { systemCode } from '@drydock/foundation/beneath/errors.ts';
import { removeTree, removeTreeIn } from '@drydock/foundation/beneath/remove.ts';
import { logFolder } from '../container/sandbox-config.ts';

/** Anyone on the node may look for logs, as upstream has it; who may read one is for the engine to say. */
const folderMode = 0o755;

export async function makeLogFolder(
  pod: Pod,
  podLogsDir: string,
  container: string,
  calls: FileCalls = nodeCalls,
): Promise<void> {
  await calls.mkdir(podLogsDir, { recursive: true, mode: folderMode });
  await using logs = await Directory.open(podLogsDir, calls);
  await using own = await logs.make(basename(logFolder(pod, podLogsDir)), { mode: folderMode });
  await using _ = await own.make(container, { mode: folderMode });
}

export async function removeLogFolder(pod: Pod, podLogsDir: string, calls: FileCalls = nodeCalls): Promise<void> {
  await removeTreeIn(podLogsDir, basename(logFolder(pod, podLogsDir)), calls);
}

/** Removes `NS_NAME_UID` of that uid, whatever its pod was called. */
export async function removeLogs(podLogsDir: string, uid: string, calls: FileCalls = nodeCalls): Promise<void> {
  await inFolder(podLogsDir, calls, (name) => name.endsWith(`_${uid}`));
}

/** Removes the log of one container, and those that were rotated away (`0.log`, `0.log.20260131-120000`, ...). */
export async function removeContainerLog(logPath: string, calls: FileCalls = nodeCalls): Promise<void> {
  const own = basename(logPath);
  await inFolder(dirname(logPath), calls, (name) => name === own || name.startsWith(`${own}.`));
}

async function inFolder(folder: string, calls: FileCalls, isMeant: (name: string) => boolean): Promise<void> {
  const opened = await Directory.open(folder, calls).catch((error: unknown) => {
    if (systemCode(error) === 'ENOENT') return undefined;
    throw error;
  });
  if (opened === undefined) return;
  await using at = opened;
  for await (const { name } of at.entries()) if (isMeant(name.toString())) await removeTree(at, name);
}

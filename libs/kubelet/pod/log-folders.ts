// Adapter: the folders of logs of pods that are gone.
import { readdir, rm } from 'node:fs/promises';

/** Removes `NS_NAME_UID` of that uid. */
export async function removeLogs(podLogsDir: string, uid: string): Promise<void> {
  const folders = await readdir(podLogsDir).catch(() => []);
  for (const name of folders) if (name.endsWith(`_${uid}`)) await rm(`${podLogsDir}/${name}`, { recursive: true, force: true });
}

// Adapter: the sockets in the kubelet's plugins_registry, a folder of root's.
import { type FileCalls, nodeCalls } from '@drydock/foundation/beneath/calls.ts';
import { Directory } from '@drydock/foundation/beneath/directory.ts';
import { BeneathError, systemCode } from '@drydock/foundation/beneath/errors.ts';

/** More plugins a node does not have; what is beyond is not looked at. */
const socketsMax = 256;
const depthMax = 4;

export interface PluginSocket {
  readonly path: string;
  /** Another one where the socket was made anew. */
  readonly identity: string;
}

/** Makes the folder where it is missing. Hidden names, links and what is no socket are passed over. */
export async function pluginSockets(folder: string, calls: FileCalls = nodeCalls): Promise<PluginSocket[]> {
  await calls.mkdir(folder, { recursive: true, mode: 0o750 });
  await using root = await Directory.open(folder, calls);
  const found: PluginSocket[] = [];
  await collect(root, folder, 0, found);
  return found.sort((a, b) => (a.path < b.path ? -1 : 1));
}

async function collect(at: Directory, path: string, depth: number, found: PluginSocket[]): Promise<void> {
  for await (const { name, isDirectory, isLink } of at.entries()) {
    const text = name.toString();
    if (found.length >= socketsMax) return;
    if (isLink || text.startsWith('.')) continue;
    try {
      if (isDirectory) {
        if (depth === depthMax) continue;
        await using below = await at.enter(name);
        await collect(below, `${path}/${text}`, depth + 1, found);
        continue;
      }
      await using entry = await at.reach(name);
      const { ino, ctimeMs, ...kind } = await entry.stat().then((stat) => ({
        ino: stat.ino,
        ctimeMs: stat.ctimeMs,
        isSocket: stat.isSocket(),
      }));
      if (kind.isSocket) found.push({ path: `${path}/${text}`, identity: `${ino}:${ctimeMs}` });
    } catch (error) {
      // It has gone or become something else meanwhile.
      if (!(error instanceof BeneathError) && systemCode(error) !== 'ENOENT') throw error;
    }
  }
}

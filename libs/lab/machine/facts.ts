// Adapter: facts about this machine that command lines and refusals depend on.
import { accessSync, constants, existsSync, readFileSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { delimiter, join } from 'node:path';
import process from 'node:process';
import type { MachineFacts } from '../programs/process-spec.ts';
import { cgroupVersion, mayRaiseLimits, trackingHierarchy } from './cgroups.ts';

/** What decides whether namespaces and containers are possible at all. */
export function hostAbilities(): { readonly isLinux: boolean; readonly isRoot: boolean } {
  return { isLinux: process.platform === 'linux', isRoot: process.getuid?.() === 0 };
}

/** The processor's name as Node has it (`x64`), and as images have it (`amd64`). */
export const architecture = { node: process.arch, image: process.arch === 'x64' ? 'amd64' : process.arch } as const;

/** The Node that runs this program. */
export const nodeProgram = process.execPath;

/** The numeric id of the user who runs this command; 0 where there are none. */
export const ownUser = process.getuid?.() ?? 0;

/** A suffix for files that no other running command writes. */
export const ownPid = process.pid;

export function machineFacts(): MachineFacts {
  return {
    node: process.execPath,
    nodeFlags: nodeFlags(),
    mayRaiseLimits: mayRaiseLimits(),
    cgroupVersion: cgroupVersion(),
    trackingCgroups: trackingHierarchy(),
    nameservers: reachableNameservers(),
  };
}

/** apps/node-flags.txt: a program's name, then flags; `#` begins a comment. */
function nodeFlags(): Map<string, string[]> {
  const lines = readFileSync(new URL('../../../apps/node-flags.txt', import.meta.url), 'utf8').split('\n');
  return new Map(
    lines
      .filter((line) => line !== '' && !line.startsWith('#'))
      .map((line) => {
        const [program = '', ...flags] = line.split(' ');
        return [program, flags];
      }),
  );
}

/** The path of a program, or undefined. /usr/sbin and /sbin are searched even where PATH lacks them. */
export function findProgram(name: string): string | undefined {
  if (name.includes('/')) return existsSync(name) ? name : undefined;
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/local/sbin', '/usr/sbin', '/sbin', '/usr/bin', '/bin'];
  for (const folder of folders) {
    const path = join(folder, name);
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      // Not in this folder.
    }
  }
  return undefined;
}

/** A name server on the host's loopback cannot be reached from a namespace; without another one, outside names stay unknown. */
function reachableNameservers(): string[] {
  try {
    const lines = readFileSync('/etc/resolv.conf', 'utf8').split('\n');
    const servers = lines.flatMap((line) => /^\s*nameserver\s+(\S+)/.exec(line)?.[1] ?? []);
    return servers.filter((server) => /^\d+\./.test(server) && !server.startsWith('127.'));
  } catch {
    return [];
  }
}

/** Whether an address belongs to this machine now. */
export function isLocalAddress(address: string): boolean {
  return Object.values(networkInterfaces()).some((entries) => entries?.some((entry) => entry.address === address));
}

// Adapter: what there is to know of this machine.
import { readFileSync, statfsSync } from 'node:fs';
import { arch, cpus, hostname, networkInterfaces, release, totalmem } from 'node:os';
import type { MachineFacts } from './node-agent.ts';

const architectures: Readonly<Record<string, string>> = { x64: 'amd64', arm64: 'arm64' };

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    return '';
  }
}

export function machineFacts(rootDir: string): MachineFacts {
  const disk = statfsSync(rootDir);
  return {
    hostname: hostname(),
    cpus: cpus().length,
    memoryBytes: totalmem(),
    storageBytes: disk.blocks * disk.bsize,
    kernel: release(),
    osImage: /^PRETTY_NAME="?([^"\n]*)/m.exec(read('/etc/os-release'))?.[1] ?? 'Linux',
    machineId: read('/etc/machine-id'),
    bootId: read('/proc/sys/kernel/random/boot_id'),
    architecture: architectures[arch()] ?? arch(),
  };
}

/** The first address of this network namespace that others can reach. */
export function firstAddress(): string {
  const all = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  return all.find(({ family, internal }) => family === 'IPv4' && !internal)?.address ?? '127.0.0.1';
}

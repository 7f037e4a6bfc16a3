// Adapter: what there is to know of this machine.
import { readFileSync, statfsSync } from 'node:fs';
import { arch, cpus, hostname, networkInterfaces, release, totalmem } from 'node:os';
import type { NodeUsage } from '../server/resource-metrics.ts';
import type { MachineFacts } from './node-agent.ts';
import type { Measurements } from './thresholds.ts';

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
    hasAppArmor: read('/sys/module/apparmor/parameters/enabled') === 'Y',
  };
}

/** The first address of this network namespace that others can reach. */
export function firstAddress(): string {
  const all = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  return all.find(({ family, internal }) => family === 'IPv4' && !internal)?.address ?? '127.0.0.1';
}

/** What is left of this machine now. Images are taken to be on the disk of `rootDir`. Memory: what the kernel calls available. */
export function measure(rootDir: string): Measurements {
  const disk = statfsSync(rootDir);
  const space = { available: disk.bavail * disk.bsize, capacity: disk.blocks * disk.bsize };
  const inodes = { available: disk.ffree, capacity: disk.files };
  const meminfo = read('/proc/meminfo');
  const memory = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(meminfo)?.[1] ?? Number.NaN) * 1024;
  const [, threads] = /\/(\d+)/.exec(read('/proc/loadavg')) ?? [];
  const threadsMax = Number(read('/proc/sys/kernel/pid_max') || Number.NaN);
  return {
    ...known('memory.available', { available: memory('MemAvailable'), capacity: memory('MemTotal') }),
    'nodefs.available': space,
    'imagefs.available': space,
    // Some filesystems count no inodes.
    ...(inodes.capacity > 0 ? { 'nodefs.inodesFree': inodes, 'imagefs.inodesFree': inodes } : {}),
    ...known('pid.available', { available: threadsMax - Number(threads), capacity: threadsMax }),
  };
}

/** The kernel's unit of processor time. */
const ticksPerSecond = 100;

/** As of the root cgroup: all processors, and memory without free pages and files that nobody has touched of late. */
export function nodeUsage(): NodeUsage | undefined {
  const [user, nice, system, , , irq, softirq, steal] =
    /^cpu +(.*)$/m.exec(read('/proc/stat'))?.[1]?.split(' ').map(Number) ?? [];
  const meminfo = read('/proc/meminfo');
  const bytes = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(meminfo)?.[1] ?? Number.NaN) * 1024;
  const ticks = [user, nice, system, irq, softirq, steal].reduce<number>((sum, each) => sum + (each ?? 0), 0);
  const workingSetBytes = bytes('MemTotal') - bytes('MemFree') - bytes('Inactive\\(file\\)');
  return Number.isNaN(workingSetBytes) || ticks === 0 ? undefined : { cpuSeconds: ticks / ticksPerSecond, workingSetBytes };
}

function known(signal: 'memory.available' | 'pid.available', amounts: { available: number; capacity: number }): Measurements {
  return Number.isNaN(amounts.available) || Number.isNaN(amounts.capacity) ? {} : { [signal]: amounts };
}

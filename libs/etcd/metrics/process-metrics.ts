// Adapter: what the operating system says of this process, under the names of Prometheus' clients. Linux only; elsewhere without files.
import { readdirSync, readFileSync } from 'node:fs';
import { cpuUsage, memoryUsage, uptime } from 'node:process';

const microsPerSecond = 1e6;
const msPerSecond = 1000;
const startedSeconds = Date.now() / msPerSecond - uptime();

/** Lines of the text format. */
export function processMetrics(): string[] {
  const { user, system } = cpuUsage();
  const line = (name: string, type: string, help: string, value: number): string[] =>
    Number.isNaN(value) ? [] : [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`, `${name} ${value}`];
  return [
    ...line(
      'process_cpu_seconds_total',
      'counter',
      'Total user and system CPU time spent in seconds.',
      (user + system) / microsPerSecond,
    ),
    ...line('process_max_fds', 'gauge', 'Maximum number of open file descriptors.', descriptorsMax()),
    ...line('process_open_fds', 'gauge', 'Number of open file descriptors.', openDescriptors()),
    ...line('process_resident_memory_bytes', 'gauge', 'Resident memory size in bytes.', memoryUsage.rss()),
    ...line('process_start_time_seconds', 'gauge', 'Start time of the process since unix epoch in seconds.', startedSeconds),
  ];
}

function openDescriptors(): number {
  try {
    return readdirSync('/proc/self/fd').length;
  } catch {
    return Number.NaN;
  }
}

function descriptorsMax(): number {
  try {
    const [, text = 'NaN'] = /^Max open files +(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8')) ?? [];
    return Number(text);
  } catch {
    return Number.NaN;
  }
}

// Memory and processor time of processes, from /proc.
import { readdirSync, readFileSync } from 'node:fs';

/** USER_HZ of Linux. */
const clockTicksPerSecond = 100;

export interface Usage {
  readonly name: string;
  readonly pid: number;
  readonly rssMb: number;
  /** Proportional set size: what is shared counts once over all. */
  readonly pssMb: number;
  readonly ticks: number;
}

/** What a process uses now; undefined where it has ended. */
export function usageOf(name: string, pid: number): Usage | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
    const mb = (field: string) => Number(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(rollup)?.[1] ?? 0) / 1024;
    return { name, pid, rssMb: mb('Rss'), pssMb: mb('Pss'), ticks: Number(fields[11]) + Number(fields[12]) };
  } catch {
    return undefined;
  }
}

/** Processes whose command line contains `mark`, by the name of their program; shims of containers are left out. */
export function processesMarked(mark: string): { name: string; pid: number }[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
        const name = words[0]?.split('/').at(-1) ?? '';
        return words.some((word) => word.includes(mark)) && !name.startsWith('containerd-shim')
          ? [{ name, pid: Number(pid) }]
          : [];
      } catch {
        return [];
      }
    });
}

export interface Totals {
  readonly processes: number;
  readonly rssMb: number;
  readonly pssMb: number;
  /** Of one core. */
  readonly cpuPercent: number;
}

/** A table by program, and the sums. `seconds` lie between the two looks. */
export function summarize(
  before: readonly Usage[],
  after: readonly Usage[],
  seconds: number,
): { table: string; totals: Totals } {
  const rows = new Map<string, { processes: number; rssMb: number; pssMb: number; ticks: number }>();
  const all = { processes: 0, rssMb: 0, pssMb: 0, ticks: 0 };
  for (const usage of after) {
    const earlier = before.find((other) => other.pid === usage.pid);
    const row = rows.get(usage.name) ?? { processes: 0, rssMb: 0, pssMb: 0, ticks: 0 };
    rows.set(usage.name, row);
    for (const sum of [row, all]) {
      sum.processes++;
      sum.rssMb += usage.rssMb;
      sum.pssMb += usage.pssMb;
      sum.ticks += usage.ticks - (earlier?.ticks ?? usage.ticks);
    }
  }
  const percent = (ticks: number) => (ticks / clockTicksPerSecond / seconds) * 100;
  const line = (name: string, row: typeof all) =>
    `${name.padEnd(28)} ${String(row.processes).padStart(3)} ${row.rssMb.toFixed(0).padStart(8)} ${row.pssMb.toFixed(0).padStart(8)} ${percent(row.ticks).toFixed(1).padStart(7)}`;
  const table = [
    `${'program'.padEnd(28)} ${'n'.padStart(3)} ${'RSS MB'.padStart(8)} ${'PSS MB'.padStart(8)} ${'CPU %'.padStart(7)}`,
    ...[...rows].sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, row]) => line(name, row)),
    line('all', all),
  ].join('\n');
  return { table, totals: { processes: all.processes, rssMb: all.rssMb, pssMb: all.pssMb, cpuPercent: percent(all.ticks) } };
}

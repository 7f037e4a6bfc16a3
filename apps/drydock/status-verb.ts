// `drydock status`: a table of processes, read from the machine.
import type { Lab } from '@drydock/lab/lab.ts';
import type { LabStatus } from '@drydock/lab/status.ts';
import { mebibytes, table } from './table.ts';

export async function renderStatus(lab: Lab): Promise<string> {
  return formatStatus(await lab.status());
}

/** The table of a status, then its partitions. */
export function formatStatus(status: LabStatus): string {
  const reasons = status.processes.some((entry) => entry.reason !== '');
  const rows = status.processes.map((entry) => [
    entry.name,
    entry.role === '' ? entry.state : `${entry.state} (${entry.role})`,
    entry.pid === undefined ? '-' : String(entry.pid),
    entry.address,
    mebibytes(entry.rssBytes),
    ...(reasons ? [entry.reason] : []),
  ]);
  const head = ['PROCESS', 'STATE', 'PID', 'ADDRESS', 'RSS', ...(reasons ? ['REASON'] : [])];
  const total = ['', '', '', 'all', mebibytes(status.totalRssBytes)];
  const partitions = status.partitions.map((partition) => `partition: ${partition}`);
  return [table([head, ...rows, total]), ...partitions, ...status.notes].join('\n');
}

// `drydock status`: a table of processes, read from the machine.
import { relative } from 'node:path';
import process from 'node:process';
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
  return [table([head, ...rows, total]), ...partitions, ...status.notes, ...manifestsOf(status)].join('\n');
}

/** Where manifests of static pods go: one line, whatever number of workers. */
function manifestsOf({ manifests }: LabStatus): string[] {
  const [[first, folder] = []] = Object.entries(manifests);
  if (first === undefined || folder === undefined) return [];
  const place = relative(process.cwd(), folder);
  return [`static pods of ${first}: manifests in ${place.startsWith('..') ? folder : place}${others(manifests)}`];
}

function others(manifests: LabStatus['manifests']): string {
  return Object.keys(manifests).length > 1 ? '; of the others likewise' : '';
}

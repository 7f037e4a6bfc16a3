// `drydock ls`: the machine's list of labs.
import type { LabRecord } from '@drydock/lab/owner.ts';
import { table } from './table.ts';

export function renderLabs(records: readonly LabRecord[]): string {
  if (records.length === 0) return 'there is no lab on this machine';
  const rows = [...records]
    .sort((a, b) => (`${a.name} ${a.dir}` < `${b.name} ${b.dir}` ? -1 : 1))
    .map((record) => [
      record.name,
      record.network,
      record.network === 'loopback' ? `ports from ${record.portBase}` : record.ranges.join(', '),
      record.dir,
      record.repo,
    ]);
  return table([['NAME', 'NETWORK', 'USES', 'FOLDER', 'CHECKOUT'], ...rows]);
}

// The output formats of etcdutl: simple, table, fields and json.
import type { SnapshotStatus } from '@drydock/etcd/backup/status.ts';
import type { HashResult } from '@drydock/etcd/mvcc/history-hash.ts';

export const outputFormats = ['fields', 'json', 'protobuf', 'simple', 'table'] as const;
export type OutputFormat = (typeof outputFormats)[number];

/** One result in every form: columns for people, fields and JSON for programs. */
interface Result {
  readonly columns: readonly (readonly [header: string, cell: string])[];
  readonly fields: readonly (readonly [name: string, value: string | number])[];
  readonly json: object;
}

/** undefined where the format has no form for it. */
export function render(format: OutputFormat, result: Result): string | undefined {
  const { columns, fields, json } = result;
  if (format === 'json') return `${JSON.stringify(json)}\n`;
  if (format === 'fields') return fields.map(([name, value]) => `"${name}" : ${value}\n`).join('');
  if (format === 'simple') return `${columns.map(([, cell]) => cell).join(', ')}\n`;
  if (format === 'table') return table(columns);
  return undefined;
}

export function statusResult(status: SnapshotStatus): Result {
  const { hash, revision, totalKey, totalSize, version } = status;
  return {
    columns: [
      ['HASH', hash.toString(16)],
      ['REVISION', String(revision)],
      ['TOTAL KEYS', String(totalKey)],
      ['TOTAL SIZE', humanBytes(totalSize)],
      ['VERSION', version],
    ],
    fields: [
      ['Hash', hash],
      ['Revision', revision],
      ['Keys', totalKey],
      ['Size', totalSize],
      ['Version', version],
    ],
    json: { hash, revision, totalKey, totalSize, version },
  };
}

export function hashResult({ hash, revision, compactRevision }: HashResult): Result {
  return {
    columns: [
      ['HASH', String(hash)],
      ['HASH REVISION', String(revision)],
      ['COMPACT REVISION', String(compactRevision)],
    ],
    fields: [
      ['Hash', hash],
      ['Hash revision', revision],
      ['Compact revision', compactRevision],
    ],
    json: { hash, hashRevision: revision, compactRevision },
  };
}

/** Powers of 1000, one decimal below 10. */
export function humanBytes(bytes: number): string {
  if (bytes < 10) return `${bytes} B`;
  const units = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'];
  const power = Math.min(units.length - 1, Math.floor(Math.log10(bytes) / 3 + 1e-12));
  const value = Math.floor((bytes / 1000 ** power) * 10 + 0.5) / 10;
  return `${value < 10 ? value.toFixed(1) : roundHalfEven(value)} ${units[power]}`;
}

/** As Go's %.0f. */
function roundHalfEven(value: number): number {
  const down = Math.floor(value);
  if (value - down !== 0.5) return Math.round(value);
  return down % 2 === 0 ? down : down + 1;
}

function table(columns: Result['columns']): string {
  const widths = columns.map(([header, cell]) => Math.max(header.length, cell.length));
  const rule = (left: string, middle: string, right: string) =>
    `${left}${widths.map((width) => '─'.repeat(width + 2)).join(middle)}${right}\n`;
  const row = (cells: readonly string[]) => `│${cells.map((cell) => ` ${cell} `).join('│')}│\n`;
  const headers = columns.map(([header], i) => {
    const room = (widths[i] ?? 0) - header.length;
    return ' '.repeat(Math.floor(room / 2)) + header + ' '.repeat(Math.ceil(room / 2));
  });
  const cells = columns.map(([, cell], i) => cell.padStart(widths[i] ?? 0));
  return rule('┌', '┬', '┐') + row(headers) + rule('├', '┼', '┤') + row(cells) + rule('└', '┴', '┘');
}

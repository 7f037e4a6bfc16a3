// What is measured.
import type { Load } from './measured.ts';

export interface NamedLoad extends Pick<Load, 'kind' | 'clients' | 'valueBytes'> {
  /** How `--only` calls it. */
  readonly part: string;
}

const clientCounts = [1, 32, 256] as const;
const small = 256;
const large = 1024;

export const loads: readonly NamedLoad[] = [
  ...clientCounts.map((clients) => ({ part: 'put', kind: 'put', clients, valueBytes: small }) as const),
  ...clientCounts.map((clients) => ({ part: 'put', kind: 'put', clients, valueBytes: large }) as const),
  ...clientCounts.map((clients) => ({ part: 'get', kind: 'get', clients, valueBytes: small }) as const),
  ...clientCounts.map((clients) => ({ part: 'get', kind: 'get-serializable', clients, valueBytes: small }) as const),
  { part: 'range', kind: 'range', clients: 8, valueBytes: small },
  { part: 'txn', kind: 'txn', clients: 32, valueBytes: large },
  { part: 'watch', kind: 'watch', clients: 10, valueBytes: small },
  { part: 'watch', kind: 'watch-streams', clients: 10, valueBytes: small },
  { part: 'keepalive', kind: 'keepalive', clients: 32, valueBytes: small },
];

export function nameOf({ kind, clients, valueBytes }: NamedLoad): string {
  return `${kind} ${valueBytes} B, ${clients} clients`;
}

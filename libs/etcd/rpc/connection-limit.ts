// Adapter: how many connections a port of the store takes, from how many files the process may have open; as etcd's LimitListener.
import { readFileSync } from 'node:fs';

/** For logs, data and what else the store opens itself; `reservedInternalFDNum` of etcd. */
const reservedFiles = 150;
/** A connection costs memory too: some 20 KiB before it has said anything. */
const connectionsMax = 1 << 15;

/** Connections at a time, for the limit of open files that `/proc/self/limits` tells; that many where it is not to be read. */
export function connectionLimit(limits = readLimits()): number {
  const soft = /^Max open files\s+(\d+)/m.exec(limits)?.[1];
  if (soft === undefined) return connectionsMax;
  return Math.max(1, Math.min(Number(soft) - reservedFiles, connectionsMax));
}

function readLimits(): string {
  try {
    return readFileSync('/proc/self/limits', 'utf8');
  } catch {
    return ''; // Not Linux.
  }
}

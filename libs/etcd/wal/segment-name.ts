// Names of segment files, as etcd has them: sequence and first index, both as 16 hexadecimal digits.
import type { LogIndex } from 'raft-ts/types.ts';

export interface SegmentName {
  readonly file: string;
  readonly sequence: number;
  readonly firstIndex: LogIndex;
}

export function segmentName(sequence: number, firstIndex: LogIndex): SegmentName {
  const hex = (value: number): string => value.toString(16).padStart(16, '0');
  return { file: `${hex(sequence)}-${hex(firstIndex)}.wal`, sequence, firstIndex };
}

/** Undefined for other files. */
export function parseSegmentName(file: string): SegmentName | undefined {
  const match = /^([0-9a-f]{16})-([0-9a-f]{16})\.wal$/.exec(file);
  if (match === null) return undefined;
  return { file, sequence: Number.parseInt(match[1] ?? '', 16), firstIndex: Number.parseInt(match[2] ?? '', 16) };
}

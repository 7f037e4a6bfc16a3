// Flags about the space that the store takes, and about the state it is in.
import type { AutoCompaction } from '@drydock/etcd/server/auto-compaction.ts';
import { parseDuration } from '@drydock/foundation/duration.ts';
import { flag, type Values } from '@drydock/foundation/flags.ts';
import { StartupError } from '@drydock/foundation/program.ts';

const hourMs = 3_600_000;
const nanosecondsPerMs = 1e6;

export const spaceFlags = {
  'quota-backend-bytes': flag(
    'int',
    0,
    'Raise alarms when backend size exceeds the given quota (0 defaults to low space quota, below 0 there is none).',
  ),
  'auto-compaction-mode': flag(
    'string',
    'periodic',
    "How to read --auto-compaction-retention: 'periodic' for time, 'revision' for a number of revisions.",
  ),
  'auto-compaction-retention': flag(
    'string',
    '0',
    'History that automatic compaction keeps; without a unit in periodic mode, hours. 0 disables it.',
  ),
};

/** Undefined where it is disabled. Throws StartupError with etcd's texts. */
export function autoCompaction(flags: Values<typeof spaceFlags>): AutoCompaction | undefined {
  const mode = flags['auto-compaction-mode'];
  const text = flags['auto-compaction-retention'];
  if (mode !== 'periodic' && mode !== 'revision' && mode !== '') {
    throw new StartupError(`unknown auto-compaction-mode ${JSON.stringify(mode)}`);
  }
  const plain = /^\+?\d+$/.test(text);
  if (plain && mode === '') throw new StartupError('--auto-compaction-mode is undefined');
  const durationMs = plain ? Number(text) * hourMs : parseDuration(text);
  if (durationMs === undefined) {
    const why = /^[+-]?[\d.]+$/.test(text) ? 'missing unit in' : 'invalid';
    throw new StartupError(`error parsing CompactionRetention: time: ${why} duration ${JSON.stringify(text)}`);
  }
  if (durationMs === 0 || mode === '') return undefined;
  if (mode === 'periodic') return { mode, periodMs: durationMs };
  // A retention with a unit counts its nanoseconds there: of no use, but the original's.
  return { mode, revisions: plain ? Number(text) : durationMs * nanosecondsPerMs };
}

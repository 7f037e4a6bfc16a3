// Flags about the space that the store takes, and about seeing that its members hold the same.
import type { AutoCompaction } from '@drydock/etcd/server/auto-compaction.ts';
import type { UpkeepSettings } from '@drydock/etcd/server/upkeep.ts';
import { formatDuration, parseDuration } from '@drydock/foundation/duration.ts';
import { flag, type Values } from '@drydock/foundation/flags.ts';
import { StartupError } from '@drydock/foundation/program.ts';

const hourMs = 3_600_000;
const minuteMs = 60_000;
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
  'feature-gates': flag(
    'map',
    {},
    'Features of etcd to switch on or off, NAME=true|false: InitialCorruptCheck, CompactHashCheck.',
  ),
  'initial-corrupt-check': flag('bool', false, 'Compare the data with the other members before serving anything.'),
  'experimental-initial-corrupt-check': flag('bool', false, 'As --feature-gates=InitialCorruptCheck=true.'),
  'corrupt-check-time': flag('duration', 0, 'How often the leader compares the data of all members; 0s is never.'),
  'experimental-corrupt-check-time': flag('duration', 0, 'As --corrupt-check-time.'),
  'compact-hash-check-enabled': flag('bool', false, 'As --feature-gates=CompactHashCheck=true.'),
  'experimental-compact-hash-check-enabled': flag('bool', false, 'As --feature-gates=CompactHashCheck=true.'),
  'compact-hash-check-time': flag('duration', minuteMs, 'How often the leader compares hashes of what was compacted.'),
  'experimental-compact-hash-check-time': flag('duration', minuteMs, 'As --compact-hash-check-time.'),
};

/** Gates of etcd 3.6; those without an effect here are taken as they are. */
const knownGates = new Set([
  'AllAlpha',
  'AllBeta',
  'CompactHashCheck',
  'InitialCorruptCheck',
  'LeaseCheckpoint',
  'LeaseCheckpointPersist',
  'SetMemberLocalAddr',
  'StopGRPCServiceOnDefrag',
  'TxnModeWriteWithSharedBuffer',
]);

/** Throws StartupError with etcd's texts. */
export function upkeepSettings(flags: Values<typeof spaceFlags>): UpkeepSettings {
  const gates = featureGates(flags['feature-gates']);
  const either = (name: 'corrupt-check-time' | 'compact-hash-check-time') =>
    flags[name] === spaceFlags[name].default ? flags[`experimental-${name}`] : flags[name];
  const hashCheckMs = either('compact-hash-check-time');
  if (hashCheckMs <= 0) {
    throw new StartupError(`--compact-hash-check-time must be >0 (set to ${formatDuration(hashCheckMs)})`);
  }
  const hashCheck =
    flags['compact-hash-check-enabled'] || flags['experimental-compact-hash-check-enabled'] || gates.has('CompactHashCheck');
  return {
    autoCompaction: autoCompaction(flags),
    initialCorruptCheck:
      flags['initial-corrupt-check'] || flags['experimental-initial-corrupt-check'] || gates.has('InitialCorruptCheck'),
    corruptCheckMs: either('corrupt-check-time'),
    compactHashCheckMs: hashCheck ? hashCheckMs : 0,
  };
}

/** Those that are on. */
function featureGates(given: Readonly<Record<string, string>>): Set<string> {
  for (const [name, value] of Object.entries(given)) {
    const complain = (why: string) => new StartupError(`invalid value for flag -feature-gates: ${why}`);
    if (!knownGates.has(name)) throw complain(`unrecognized feature gate: ${name}`);
    if (value !== 'true' && value !== 'false') throw complain(`invalid value of ${name}=${value}`);
  }
  return new Set(Object.keys(given).filter((name) => given[name] === 'true'));
}

/** Undefined where it is disabled. Throws StartupError with etcd's texts. */
function autoCompaction(flags: Values<typeof spaceFlags>): AutoCompaction | undefined {
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

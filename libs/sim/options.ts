// What a seed stands for: size of the cluster, its tuning, the mix of faults and the mix of load. Each seed leaves most of them
// out, so that between them the seeds reach corners that a mix of everything would hide (swarm testing, Groce et al. 2012).
import type { AutoCompaction } from '@drydock/etcd/server/auto-compaction.ts';
import type { Random, RandomStream } from '@drydock/foundation/random.ts';
import type { ClusterSettings } from './member-host.ts';
import type { NetworkFaults } from './network.ts';

export const faultKinds = [
  'kill',
  'powerLoss',
  'crashPoint',
  'restart',
  'pause',
  'isolate',
  'split',
  'oneWay',
  'partial',
  'flap',
  'network',
  'slowDisk',
  'failingSync',
  'fullDisk',
  'wallJump',
  'clockRate',
  'moveLeader',
  'cutSnapshots',
  'membership',
  'defragment',
] as const;
export type FaultKind = (typeof faultKinds)[number];

export const operationKinds = [
  'put',
  'get',
  'range',
  'delete',
  'compareAndSwap',
  'multiTxn',
  'compact',
  'leaseGrant',
  'leaseKeepAlive',
  'leaseRevoke',
  'leaseTimeToLive',
] as const;
export type OperationKind = (typeof operationKinds)[number];

export interface SimOptions {
  readonly seed: string;
  readonly size: number;
  readonly tuning: ClusterSettings['tuning'];
  readonly watchProgressMs: number;
  readonly quotaBytes: number;
  readonly upkeep: ClusterSettings['upkeep'];
  /** Messages between members go through their codec. */
  readonly encoded: boolean;
  readonly network: NetworkFaults;
  /** Largest deviation of a machine's clock. */
  readonly clockDrift: number;
  readonly faults: readonly FaultKind[];
  /** Mean time between faults, seconds. */
  readonly faultEverySeconds: number;
  readonly clients: number;
  /** More clients, which only read: they do not get stuck where nothing can be written. */
  readonly readers: number;
  readonly watchers: number;
  /** Clients that take locks and stand for election. */
  readonly lockers: number;
  readonly thinkMs: number;
  readonly keys: number;
  /** What values are filled up to, so that a write takes several sectors and a snapshot several pieces. */
  readonly valueBytes: number;
  readonly operations: Readonly<Record<OperationKind, number>>;
  /** Virtual seconds with faults. */
  readonly safetySeconds: number;
}

export const unlimitedBytes = 2 ** 31;

/** By revisions it looks every five minutes: for runs of some length. */
const autoCompactions: readonly [AutoCompaction | undefined, ...(AutoCompaction | undefined)[]] = [
  undefined,
  undefined,
  { mode: 'periodic', periodMs: 5000 },
  { mode: 'revision', revisions: 50 },
];

/** Draws the options of a seed. */
export function drawOptions(seed: string, random: Random, safetySeconds: number): SimOptions {
  const draw = random.stream('options');
  const size = pick(draw, [1, 3, 3, 3, 3, 5, 5]);
  const quotaBytes = draw.next() < 0.2 ? pick(draw, [300_000, 1_000_000]) : unlimitedBytes;
  const faults = faultKinds.filter(() => draw.next() < 0.35);
  const operations = Object.fromEntries(operationKinds.map((kind) => [kind, draw.next() < 0.3 ? 0 : 1 + draw.int(6)]));
  return {
    seed,
    size,
    tuning: {
      heartbeatMs: 100,
      electionMs: pick(draw, [1000, 1000, 500]),
      snapshotCount: faults.includes('cutSnapshots') ? 20 : pick(draw, [20, 100, 500, 10_000]),
      catchUpEntries: faults.includes('cutSnapshots') ? 5 : pick(draw, [5, 50, 5000]),
      preVote: draw.next() < 0.9,
      segmentBytes: pick(draw, [8 << 10, 32 << 10, 256 << 10]),
    },
    watchProgressMs: pick(draw, [1000, 5000, 600_000]),
    quotaBytes,
    upkeep: {
      initialCorruptCheck: draw.next() < 0.3,
      corruptCheckMs: pick(draw, [0, 4000]),
      compactHashCheckMs: pick(draw, [0, 4000]),
      autoCompaction: pick<AutoCompaction | undefined>(draw, autoCompactions),
    },
    encoded: draw.next() < 0.3,
    network: {
      loss: draw.next() < 0.5 ? 0 : draw.next() * 0.05,
      duplication: draw.next() < 0.5 ? 0 : draw.next() * 0.1,
      spreadUs: pick(draw, [200, 2000, 20_000]),
      slow: draw.next() < 0.7 ? 0 : draw.next() * 0.05,
      slowUs: 400_000,
      breakage: draw.next() < 0.7 ? 0 : draw.next() * 0.01,
      snapshotBreakage: draw.next() < 0.7 ? 0 : draw.next() * 0.1,
    },
    clockDrift: pick(draw, [0, 0.001, 0.005]),
    faults,
    faultEverySeconds: pick(draw, [2, 5, 15]),
    clients: pick(draw, [1, 2, 3, 5, 8]),
    readers: pick(draw, [0, 0, 2, 4]),
    watchers: draw.int(4),
    lockers: pick(draw, [0, 0, 2, 4]),
    thinkMs: pick(draw, [20, 100, 400]),
    keys: pick(draw, [1, 3, 8]),
    valueBytes: quotaBytes < unlimitedBytes ? 5000 : pick(draw, [0, 700, 5000]),
    operations: { ...(operations as Record<OperationKind, number>), put: operations['put'] || 1 },
    safetySeconds,
  };
}

export function pick<T>(random: RandomStream, values: readonly [T, ...T[]]): T {
  return values[random.int(values.length)] ?? values[0];
}

/** In one line, for people. */
export function describeOptions(options: SimOptions): string {
  const { size, tuning, network, clients, readers, watchers, thinkMs, keys, valueBytes, faults, faultEverySeconds } = options;
  const load = Object.entries(options.operations).filter(([, weight]) => weight > 0);
  return [
    `members=${size}`,
    `election=${tuning.electionMs}`,
    `snapshotCount=${tuning.snapshotCount}`,
    `catchUp=${tuning.catchUpEntries}`,
    `segment=${tuning.segmentBytes}`,
    `preVote=${tuning.preVote}`,
    `network=loss:${network.loss.toFixed(3)},dup:${network.duplication.toFixed(3)},spread:${network.spreadUs},slow:${network.slow.toFixed(3)},break:${network.breakage.toFixed(4)}`,
    `drift=${options.clockDrift}`,
    `quota=${options.quotaBytes} autoCompaction=${options.upkeep.autoCompaction?.mode ?? 'none'}`,
    `clients=${clients} readers=${readers} watchers=${watchers} lockers=${options.lockers} think=${thinkMs} keys=${keys} value=${valueBytes}`,
    `load=${load.map(([kind, weight]) => `${kind}:${weight}`).join(',')}`,
    `faults=${faults.join(',') || 'none'} every=${faultEverySeconds}s`,
  ].join(' ');
}

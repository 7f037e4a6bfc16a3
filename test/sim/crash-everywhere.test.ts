// Members die at every effect and at every turn of their work, one after the other: the n-th from a given moment on, before it or
// after it, with their power or without. (The random load does the same at random places.)
import type { SimCluster } from '@drydock/sim/cluster.ts';
import { calmNetwork } from '@drydock/sim/network.ts';
import type { SimOptions } from '@drydock/sim/options.ts';
import type { CrashPoint } from '@drydock/sim/process.ts';
import { runSeed } from '@drydock/sim/store-sim.ts';
import { expect, test } from 'vitest';

/** A busy store whose log is cut, and whose leader therefore does everything that it ever does within a second. */
const busy = (options: SimOptions): SimOptions => ({
  ...options,
  size: 3,
  tuning: { ...options.tuning, snapshotCount: 20, catchUpEntries: 5, segmentBytes: 8 << 10, preVote: true },
  network: calmNetwork,
  clockDrift: 0,
  faults: [],
  clients: 3,
  readers: 0,
  watchers: 1,
  thinkMs: 20,
  keys: 3,
  valueBytes: 700,
  operations: { ...options.operations, put: 4, delete: 1, multiTxn: 1, compact: 1, leaseGrant: 1 },
  safetySeconds: 5,
});

const beginUs = 2_500_000;

const points: readonly (readonly [CrashPoint, number])[] = [
  ['disk', 12],
  ['sync', 12],
  ['commit', 5],
  ['send', 12],
  ['turn', 20],
];
const places = points.flatMap(([point, last]) =>
  (['before', 'after'] as const).flatMap((when) => [false, true].map((power) => ({ point, last, when, power }))),
);

test.each(places)(
  'the leader dies $when every $point of the first $last, power: $power',
  { timeout: 120_000 },
  async (place) => {
    const { point, last, when, power } = place;
    let died = 0;
    for (let count = 1; count <= last; count++) {
      const plant = (cluster: SimCluster): void => {
        cluster.world.schedule(beginUs, () => {
          const leader = cluster.leader();
          if (leader?.life === undefined) return;
          leader.life.crashPlan = { point, count, when };
          leader.life.onDeath(() => {
            died++;
            if (power) leader.losePower();
          });
        });
      };
      const { error } = await runSeed('everywhere', { safetySeconds: 5, adjust: busy, plant });
      expect(error, `${when} ${point} ${count}`).toBeUndefined();
    }
    expect(died).toBe(last);
  },
);

/** How often a member that begins does each of these before it serves, about. */
const firstBoot: readonly (readonly [CrashPoint, number])[] = [
  ['disk', 14],
  ['sync', 3],
  ['turn', 20],
];
const firstPlaces = firstBoot.flatMap(([point, last]) =>
  [1, 3].flatMap((size) =>
    (['before', 'after'] as const).flatMap((when) => [false, true].map((power) => ({ point, last, when, power, size }))),
  ),
);

test.each(firstPlaces)(
  'a member of $size dies in its first boot, $when every $point of the first $last, power: $power',
  { timeout: 120_000 },
  async (place) => {
    const { point, last, when, power, size } = place;
    let died = 0;
    for (let count = 1; count <= last; count++) {
      const plant = (cluster: SimCluster): void => {
        const [host] = cluster.hosts;
        if (host === undefined) return;
        const start = host.start.bind(host);
        host.start = () => {
          start();
          if (host.lives > 1 || host.life === undefined) return;
          host.life.crashPlan = { point, count, when };
          host.life.onDeath(() => {
            died++;
            if (power) host.losePower();
          });
        };
      };
      const adjust = (options: SimOptions): SimOptions => ({
        ...busy(options),
        size,
        clients: 1,
        watchers: 0,
        safetySeconds: 3,
      });
      const { error } = await runSeed('first', { safetySeconds: 3, adjust, plant });
      expect(error, `${when} ${point} ${count}`).toBeUndefined();
    }
    expect(died).toBe(last);
  },
);

import { silentLog } from '@drydock/foundation/log.ts';
import { VirtualClock } from '@drydock/foundation/virtual-clock.ts';
import { expect, test } from 'vitest';
import { planRules } from './plan.ts';
import { Proxier } from './proxier.ts';
import type { RuleSet } from './rule-set.ts';
import type { ServicePort } from './service-port.ts';
import { readContents, type TableContents } from './table-contents.ts';
import { plainPort } from './testing/plain-port.ts';

const plan = { local: undefined, nodePortIPs: [], nodeIP: undefined, masqueradeAll: false, masqueradeBit: 14 };

/** A table that holds exactly these rules. */
function contentsOf({ chains, lookups }: RuleSet): TableContents {
  const sizes = (kind: 'map' | 'set') =>
    new Map([...lookups].filter(([, each]) => each.kind === kind).map(([name, each]) => [name, each.elements?.size ?? 0]));
  return {
    chains: new Map([...chains].map(([name, { rules }]) => [name, rules.length])),
    maps: sizes('map'),
    sets: sizes('set'),
  };
}

function setUp() {
  const clock = new VirtualClock();
  const applied: { readonly atMs: number; readonly lines: readonly string[] }[] = [];
  const world = { ports: [] as ServicePort[], broken: false, unreadable: false, reads: 0 };
  let held: TableContents = readContents({ nftables: [] });
  const proxier = new Proxier({
    clock,
    log: silentLog,
    minSyncPeriodMs: 1000,
    syncPeriodMs: 30_000,
    observe: () => ({
      ports: world.ports,
      plan,
    }),
    onSynced: () => {},
    sink: {
      contents: async () => {
        world.reads++;
        if (world.unreadable) throw new Error('too much to list');
        return held;
      },
      apply: async (lines) => {
        if (world.broken) throw new Error('nft says no');
        applied.push({ atMs: clock.monotonicMs(), lines });
        if (held.chains.size > 0 || lines.some((line) => line.startsWith('add chain ip kube-proxy nat-output')))
          held = contentsOf(planRules(world.ports, plan));
      },
      udpFlows: async () => [],
      deleteFlows: async () => {},
    },
  });
  const change = (name: string) => {
    world.ports = [...world.ports, { ...plainPort, name, clusterIP: `10.96.0.${world.ports.length + 1}` }];
    proxier.trigger();
  };
  const flush = () => {
    held = readContents({ nftables: [] });
  };
  return { clock, applied, world, proxier, change, flush };
}

test('the first change is applied at once, those that follow together after the minimum period', async () => {
  const { clock, applied, change } = setUp();
  change('a');
  await clock.advanceAsync(10);
  expect(applied).toHaveLength(1);
  for (const name of ['b', 'c', 'd']) change(name);
  await clock.advanceAsync(900);
  expect(applied).toHaveLength(1);
  await clock.advanceAsync(200);
  expect(applied).toHaveLength(2);
  expect(applied[1]?.lines.filter((line) => line.startsWith('add element ip kube-proxy no-endpoint-services'))).toHaveLength(3);
  await clock.advanceAsync(60_000);
  expect(applied).toHaveLength(2);
});

test('a failed transaction is tried again, from the names of the table', async () => {
  const { clock, applied, world, proxier, change } = setUp();
  world.broken = true;
  change('a');
  await clock.advanceAsync(20_000);
  expect([applied.length, proxier.queuedAtMs]).toEqual([0, 0]);
  world.broken = false;
  await clock.advanceAsync(30_000);
  expect([applied.length, proxier.queuedAtMs]).toEqual([1, undefined]);
  expect(applied[0]?.lines.some((line) => line.startsWith('add chain'))).toBe(true);
});

test('what somebody else did to the table is mended within a sync period, and nothing is written where nothing was done', async () => {
  const { clock, applied, change, flush, world } = setUp();
  change('a');
  await clock.advanceAsync(100_000);
  expect([applied.length, world.reads]).toEqual([1, 4]);
  flush();
  await clock.advanceAsync(30_000);
  expect(applied).toHaveLength(2);
  expect(applied[1]?.lines).toEqual(applied[0]?.lines);
});

test('a table that cannot be looked at is left as it was made, and changes go on', async () => {
  const { clock, applied, change, proxier, world } = setUp();
  change('a');
  await clock.advanceAsync(1000);
  world.unreadable = true;
  await clock.advanceAsync(100_000);
  expect([applied.length, world.reads]).toEqual([1, 4]);
  change('b');
  await clock.advanceAsync(1000);
  expect(applied).toHaveLength(2);
  expect(applied[1]?.lines.some((line) => line.startsWith('delete table') || line.startsWith('add chain'))).toBe(false);
  expect(proxier.queuedAtMs).toBeUndefined();
});

test('steady changes do not put the check off', async () => {
  const { clock, applied, change, flush } = setUp();
  change('a');
  await clock.advanceAsync(1000);
  flush();
  for (let second = 0; second < 40; second++) {
    change(`s${second}`);
    await clock.advanceAsync(1000);
  }
  const whole = applied
    .slice(1)
    .filter(({ lines }) => lines.some((line) => line.startsWith('add chain ip kube-proxy nat-output')));
  expect(whole).toHaveLength(1);
});

test('the whole table is written anew once an hour', async () => {
  const { clock, applied, change } = setUp();
  change('a');
  await clock.advanceAsync(3_500_000);
  expect(applied).toHaveLength(1);
  await clock.advanceAsync(200_000);
  expect(applied).toHaveLength(2);
});

test('a table that cannot be taken over is replaced after the second failure', async () => {
  const { clock, applied, change, world } = setUp();
  world.broken = true;
  change('a');
  await clock.advanceAsync(1500);
  world.broken = false;
  await clock.advanceAsync(5000);
  expect(applied[0]?.lines.slice(0, 3)).toEqual([
    'add table ip kube-proxy',
    'delete table ip kube-proxy',
    'add table ip kube-proxy',
  ]);
});

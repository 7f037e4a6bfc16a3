import { silentLog } from '@drydock/foundation/log.ts';
import { VirtualClock } from '@drydock/foundation/virtual-clock.ts';
import { expect, test } from 'vitest';
import { Proxier } from './proxier.ts';
import type { ServicePort } from './service-port.ts';

function setUp() {
  const clock = new VirtualClock();
  const applied: { readonly atMs: number; readonly lines: readonly string[] }[] = [];
  const world = { ports: [] as ServicePort[], broken: false };
  const proxier = new Proxier({
    clock,
    log: silentLog,
    minSyncPeriodMs: 1000,
    observe: () => ({
      ports: world.ports,
      plan: { clusterCIDR: '', nodePortIPs: [], masqueradeAll: false, masqueradeBit: 14 },
    }),
    onSynced: () => {},
    sink: {
      names: async () => ({ maps: [], sets: [], chains: [] }),
      apply: async (lines) => {
        if (world.broken) throw new Error('nft says no');
        applied.push({ atMs: clock.monotonicMs(), lines });
      },
      udpFlows: async () => [],
      deleteFlow: async () => {},
    },
  });
  const change = (name: string) => {
    world.ports = [...world.ports, { ...port, name, clusterIP: `10.96.0.${world.ports.length + 1}` }];
    proxier.trigger();
  };
  return { clock, applied, world, proxier, change };
}

const port: ServicePort = {
  namespace: 'n',
  name: '',
  portName: '',
  protocol: 'tcp',
  port: 80,
  clusterIP: '',
  nodePort: 0,
  externalIPs: [],
  loadBalancerIPs: [],
  sourceRanges: [],
  internalLocal: false,
  externalLocal: false,
  affinitySeconds: 0,
  endpoints: [],
};

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
  expect(applied[1]?.lines.filter((line) => line.startsWith('add element'))).toHaveLength(3);
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

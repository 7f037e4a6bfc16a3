// One function per kind of fault.

import { api } from '@drydock/etcd/rpc/api.ts';
import { MoveLeaderRequest } from '@drydock/etcd/rpc/messages.ts';
import { encode } from '@drydock/etcd/rpc/protobuf.ts';
import type { RandomStream } from '@drydock/foundation/random.ts';
import { unaryCall } from './calls.ts';
import type { SimCluster } from './cluster.ts';
import type { MemberHost } from './member-host.ts';
import type { Operator } from './operator.ts';
import { type FaultKind, pick, type SimOptions } from './options.ts';
import { type CrashPlan, type CrashPoint, SimProcess } from './process.ts';
import type { World } from './world.ts';

export interface FaultContext {
  readonly world: World;
  readonly cluster: SimCluster;
  readonly options: SimOptions;
  readonly operator: Operator;
  readonly random: RandomStream;
  /** Calls `action` after that time, or earlier when everything is healed. */
  readonly later: (us: number, action: () => void) => void;
}

const second = 1_000_000;

export const actions: Readonly<Record<FaultKind, (context: FaultContext) => void>> = {
  kill: (context) => victim(context).kill(false),

  powerLoss: (context) => {
    // Now and then the whole room.
    const all = context.random.int(5) === 0;
    const hosts = all ? context.cluster.hosts : [victim(context)];
    // Most moments are quiet: rather just before a sync, when all that was written is at stake.
    const busy = context.random.int(4) > 0;
    for (const host of hosts) {
      const { life } = host;
      if (!busy || life === undefined) {
        host.kill(true);
        continue;
      }
      life.crashPlan = { point: 'sync', count: 1 + context.random.int(3), when: 'before' };
      life.onDeath(() => host.losePower());
    }
  },

  crashPoint: (context) => {
    const { random, world, cluster } = context;
    for (const host of random.int(3) === 0 ? cluster.hosts : [victim(context)]) {
      const { life } = host;
      if (life === undefined) continue;
      const point = pick<CrashPoint>(random, ['disk', 'disk', 'sync', 'commit', 'send', 'turn']);
      const plan: CrashPlan = { point, count: 1 + random.int(12), when: pick<'before' | 'after'>(random, ['before', 'after']) };
      life.crashPlan = { ...plan };
      world.note(`${host.name} will die ${plan.when} ${point} ${plan.count}`);
      if (random.int(3) > 0) life.onDeath(() => host.losePower());
    }
  },

  restart: (context) => {
    const host = victim(context);
    host.stop().catch((error) => context.world.fail(error));
  },

  pause: (context) => {
    const { life, name } = victim(context);
    if (life === undefined) return;
    context.world.note(`${name} is stopped`);
    life.pause();
    context.later(duration(context, 0.1, 6), () => {
      context.world.note(`${name} goes on`);
      life.resume();
    });
  },

  isolate: (context) => {
    const { name } = victim(context);
    cutFor(context, duration(context, 0.5, 8), waysBetween([name], others(context, [name])));
  },

  split: (context) => {
    const names = context.cluster.hosts.map(({ name }) => name);
    const one = names.filter(() => context.random.int(2) === 0);
    cutFor(context, duration(context, 0.5, 8), waysBetween(one, others(context, one)));
  },

  oneWay: (context) => {
    const { name } = victim(context);
    const sends = context.random.int(2) === 0;
    const ways = others(context, [name]).map((other): Way => (sends ? [other, name] : [name, other]));
    cutFor(context, duration(context, 0.5, 8), ways);
  },

  partial: (context) => {
    const { name } = victim(context);
    const rest = others(context, [name]);
    const [first, ...more] = rest;
    if (first === undefined) return;
    cutFor(context, duration(context, 0.5, 8), waysBetween([name], [pick(context.random, [first, ...more])]));
  },

  flap: (context) => {
    const { name } = victim(context);
    const ways = waysBetween([name], others(context, [name]));
    let left = 3 + context.random.int(8);
    const again = (): void => {
      if (left-- === 0) return;
      const us = duration(context, 0.1, 1.5);
      cutFor(context, us, ways);
      context.world.schedule(us * 2, again);
    };
    again();
  },

  network: (context) => {
    const { random, cluster } = context;
    cluster.network.faults = {
      loss: random.next() * 0.3,
      duplication: random.next() * 0.3,
      spreadUs: pick(random, [5000, 100_000, 800_000]),
      slow: random.next() * 0.2,
      slowUs: 3 * second,
      breakage: random.next() * 0.05,
      snapshotBreakage: random.next() * 0.3,
    };
    context.world.note('the network is bad');
    context.later(duration(context, 0.5, 8), () => {
      cluster.network.faults = context.options.network;
    });
  },

  slowDisk: (context) => {
    const { disk, name } = victim(context);
    disk.faults.slowness = pick(context.random, [20, 500, 5000]);
    context.world.note(`${name} has a slow disk: ${disk.faults.slowness}`);
    context.later(duration(context, 0.5, 8), () => {
      disk.faults.slowness = 1;
    });
  },

  failingSync: (context) => {
    const { disk, name } = victim(context);
    disk.faults.failingSyncs = 1;
    context.world.note(`${name} has a sync that fails`);
  },

  fullDisk: (context) => {
    const { disk, name } = victim(context);
    disk.faults.full = true;
    context.world.note(`${name} has a full disk`);
    context.later(duration(context, 0.1, 4), () => {
      disk.faults.full = false;
    });
  },

  wallJump: (context) => {
    const { time, name } = victim(context);
    time.wallOffsetMs += (context.random.next() * 2 - 1) * 3_600_000;
    context.world.note(`${name} has another wall time`);
  },

  clockRate: (context) => {
    const { time, name } = victim(context);
    time.setRate(1 + (context.random.next() * 2 - 1) * context.options.clockDrift, context.world.nowUs);
    context.world.note(`${name} has a clock of rate ${time.rate.toFixed(4)}`);
  },

  moveLeader: (context) => {
    const { world, cluster } = context;
    const leader = cluster.leader();
    const target = victim(context);
    if (leader === undefined) return;
    const client = new SimProcess(world, 'operator');
    const options = { client, network: cluster.network, place: leader.name, serving: leader.serving };
    world.note(`the leader ${leader.name} is asked to hand over to ${target.name}`);
    unaryCall(
      { ...options, path: '/etcdserverpb.Maintenance/MoveLeader' },
      encode(MoveLeaderRequest, { targetID: target.id }),
      10 * second,
    ).catch((error) => world.note(`hand-over: ${error.message}`));
  },

  membership: ({ operator }) => operator.change(),

  defragment: (context) => {
    const { world, cluster } = context;
    const { name, serving } = victim(context);
    const client = new SimProcess(world, 'operator');
    const target = { client, network: cluster.network, place: name, serving, path: api.defragment.path };
    world.note(`${name} is asked to defragment`);
    unaryCall(target, Buffer.alloc(0), 10 * second).catch((error) => world.note(`defragmentation: ${error.message}`));
  },

  cutSnapshots: (context) => {
    // Somebody must have fallen behind to get one.
    const { name } = victim(context);
    const awayUs = duration(context, 3, 12);
    cutFor(context, awayUs, waysBetween([name], others(context, [name])));
    const { network } = context.cluster;
    network.faults = { ...context.options.network, snapshotBreakage: 0.5 };
    context.world.note('snapshots break');
    context.later(awayUs + duration(context, 1, 6), () => {
      network.faults = context.options.network;
    });
  },
};

type Way = readonly [from: string, to: string];

/** Leaders are hit as often as all others together. */
function victim({ cluster, random }: FaultContext): MemberHost {
  const [first, ...rest] = cluster.hosts.filter(({ removed }) => !removed);
  if (first === undefined) throw new RangeError('a cluster without members');
  const leader = random.int(2) === 0 ? cluster.leader() : undefined;
  return leader ?? pick(random, [first, ...rest]);
}

function duration({ random }: FaultContext, minSeconds: number, maxSeconds: number): number {
  return (minSeconds + random.next() * (maxSeconds - minSeconds)) * second;
}

function others({ cluster }: FaultContext, names: readonly string[]): string[] {
  return cluster.hosts.map(({ name }) => name).filter((name) => !names.includes(name));
}

function waysBetween(some: readonly string[], rest: readonly string[]): Way[] {
  return some.flatMap((a) =>
    rest.flatMap((b): Way[] => [
      [a, b],
      [b, a],
    ]),
  );
}

function cutFor(context: FaultContext, us: number, ways: readonly Way[]): void {
  context.world.note(`cut ${ways.map(([from, to]) => `${from}>${to}`).join(' ')}`);
  const heals = ways.map(([from, to]) => context.cluster.network.cut(from, to));
  context.later(us, () => {
    for (const heal of heals) heal();
  });
}

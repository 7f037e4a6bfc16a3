// What is done to the store: each fault strikes, and is healed again.
import { setTimeout as sleep } from 'node:timers/promises';
import { api } from '@drydock/etcd/rpc/api.ts';
import type { RandomStream } from '@drydock/foundation/random.ts';
import type { Client } from '@grpc/grpc-js';
import { unaryCall } from '../integration/store/client.ts';
import { exitOf, type Store, until } from '../integration/store/members.ts';
import { replaceMember, start } from './membership.ts';

/** What a fault is done to. */
export interface Target {
  readonly store: Store;
  readonly clients: readonly Client[];
  readonly random: RandomStream;
  /** Which member leads, as far as anybody says. */
  readonly leader: () => Promise<number | undefined>;
}

export interface Fault {
  readonly name: string;
  /** Only ours has a switch for it. */
  readonly ours?: boolean;
  /** How long it lasts, milliseconds: at least, and by chance so much more. */
  readonly lasts: readonly [number, number];
  /** Does it; gives how it is undone, and what it was for the record. */
  readonly strike: (target: Target) => Promise<{ heal: () => Promise<void> | void; text: string }>;
}

/** Nothing is left to undo. */
const nothing = { heal: () => {} };

async function killed(store: Store, indexes: readonly number[]) {
  await Promise.all(indexes.map((index) => store.stopMember(index, 'SIGKILL')));
  const heal = (): void => {
    for (const index of indexes) start(store, index);
  };
  return { heal, text: `kill -9 of ${indexes.map((index) => index + 1).join(', ')}` };
}

function paused({ store }: Target, indexes: readonly number[]) {
  const processes = indexes.flatMap((index) => store.members[index]?.process ?? []);
  for (const process of processes) process.kill('SIGSTOP');
  const heal = (): void => {
    for (const process of processes) process.kill('SIGCONT');
  };
  return { heal, text: `SIGSTOP of ${indexes.map((index) => index + 1).join(', ')}` };
}

const anyOf = ({ store, random }: Target): number => random.int(store.members.length);
const leaderOf = async (target: Target): Promise<number> => (await target.leader()) ?? anyOf(target);

/** Some members in any order. */
function some({ store, random }: Target, count: number): number[] {
  const left = [...store.members.keys()];
  return Array.from({ length: count }, () => left.splice(random.int(left.length), 1)[0] ?? 0);
}

const majority = ({ store }: Target): number => Math.floor(store.members.length / 2) + 1;

function cut(target: Target, text: string, how: (network: Store['network']) => void) {
  const { network } = target.store;
  how(network);
  return { heal: () => network.heal(), text };
}

async function moveLeader(target: Target): Promise<void> {
  const { clients } = target;
  const from = await leaderOf(target);
  const to = clients[(from + 1 + target.random.int(clients.length - 1)) % clients.length];
  const leader = clients[from];
  if (to === undefined || leader === undefined) return;
  const status = await unaryCall(to, api.status, {}).catch(() => undefined);
  const targetID = status?.header?.member_id ?? 0n;
  await unaryCall(leader, api.moveLeader, { targetID }, moveMs).catch(() => undefined);
}

const moveMs = 5000;
const defragmentMs = 20_000;

export const faults: readonly Fault[] = [
  { name: 'kill one', lasts: [200, 2000], strike: (target) => killed(target.store, [anyOf(target)]) },
  { name: 'kill leader', lasts: [200, 3000], strike: async (target) => killed(target.store, [await leaderOf(target)]) },
  { name: 'kill majority', lasts: [200, 2000], strike: (target) => killed(target.store, some(target, majority(target))) },
  { name: 'kill all', lasts: [0, 500], strike: (target) => killed(target.store, [...target.store.members.keys()]) },
  { name: 'pause one', lasts: [100, 1000], strike: async (target) => paused(target, [anyOf(target)]) },
  { name: 'pause leader', lasts: [1500, 3500], strike: async (target) => paused(target, [await leaderOf(target)]) },
  { name: 'pause all', lasts: [500, 2500], strike: async (target) => paused(target, [...target.store.members.keys()]) },
  {
    name: 'isolate one',
    lasts: [500, 4000],
    strike: async (target) => {
      const one = anyOf(target);
      return cut(target, `member ${one + 1} is cut off`, (network) => network.isolate(one));
    },
  },
  {
    name: 'isolate leader',
    lasts: [1500, 4000],
    strike: async (target) => {
      const leader = await leaderOf(target);
      return cut(target, `leader ${leader + 1} is cut off`, (network) => network.isolate(leader));
    },
  },
  {
    name: 'cut one way',
    lasts: [1000, 4000],
    strike: async (target) => {
      const [a = 0, b = 1] = some(target, 2);
      return cut(target, `nothing from ${a + 1} to ${b + 1}`, (network) => network.cutOneWay(a, b));
    },
  },
  {
    name: 'leader hears nothing',
    lasts: [1500, 4000],
    strike: async (target) => {
      const leader = await leaderOf(target);
      return cut(target, `nothing reaches leader ${leader + 1}`, (network) => {
        for (const other of target.store.members.keys()) if (other !== leader) network.cutOneWay(other, leader);
      });
    },
  },
  {
    name: 'cut one pair',
    lasts: [1000, 4000],
    strike: async (target) => {
      const [a = 0, b = 1] = some(target, 2);
      return cut(target, `${a + 1} and ${b + 1} are apart`, (network) => network.cut(a, b));
    },
  },
  {
    name: 'cut in halves',
    lasts: [1000, 4000],
    strike: async (target) => {
      const few = some(target, majority(target) - 1);
      return cut(target, `${few.map((index) => index + 1).join(', ')} apart from the others`, (network) => {
        const others = [...target.store.members.keys()].filter((index) => !few.includes(index));
        for (const a of few) for (const b of others) network.cut(a, b);
      });
    },
  },
  {
    name: 'defragment',
    lasts: [0, 500],
    strike: async (target) => {
      const one = anyOf(target);
      const client = target.clients[one];
      // A member that does not answer has not done it: that is a fault like others.
      if (client !== undefined) await unaryCall(client, api.defragment, {}, defragmentMs).catch(() => undefined);
      return { ...nothing, text: `defragmentation of ${one + 1}` };
    },
  },
  {
    name: 'move leader',
    lasts: [0, 500],
    strike: async (target) => {
      await moveLeader(target);
      return { ...nothing, text: 'the leader is moved' };
    },
  },
  { name: 'replace member', lasts: [0, 500], strike: replaceMember },
  { name: 'slow disk', ours: true, lasts: [1000, 4000], strike: (target) => badDisk(target, { syncDelayMs: 300 }) },
  { name: 'failing disk', ours: true, lasts: [500, 1500], strike: (target) => badDisk(target, { failSync: true }) },
  { name: 'full disk', ours: true, lasts: [500, 1500], strike: (target) => badDisk(target, { full: true }) },
  {
    name: 'crash at a step of the disk',
    ours: true,
    lasts: [500, 1500],
    strike: (target) => badDisk(target, { crashAt: crashPoints[target.random.int(crashPoints.length)] }),
  },
];

const crashPoints = ['beforeWrite', 'beforeSync', 'afterSync', 'beforeRename', 'afterRename', 'beforeRemove'];

/** A member with such a disk may end itself; it is started again with a good one. */
async function badDisk(target: Target, how: object) {
  const { store } = target;
  const one = target.random.int(2) === 0 ? await leaderOf(target) : anyOf(target);
  store.setDiskFaults(one, how);
  const heal = async (): Promise<void> => {
    store.setDiskFaults(one, {});
    if (await endsByItself(target, one)) start(store, one);
  };
  return { heal, text: `the disk of ${one + 1}: ${JSON.stringify(how)}` };
}

/** Whether a member whose disk is good again has ended, or will: it takes its time to stop, and answers nobody meanwhile. */
async function endsByItself({ store, clients }: Target, one: number): Promise<boolean> {
  const process = store.members[one]?.process;
  const client = clients[one];
  const hasEnded = () => process === undefined || process.exitCode !== null || process.signalCode !== null;
  // The last write to the bad disk has failed by then.
  await sleep(100);
  const asked = async () => client !== undefined && (await unaryCall(client, api.status, {}, 500).catch(() => undefined));
  await until(`member ${one + 1} answers or ends`, async () => hasEnded() || Boolean(await asked()));
  return hasEnded();
}

/** Starts again what has ended by itself, and lets go on what stands still. */
export async function healAll(store: Store): Promise<void> {
  store.network.heal();
  for (const index of store.members.keys()) store.setDiskFaults(index, {});
  for (const [index, { process }] of store.members.entries()) {
    process?.kill('SIGCONT');
    if (process === undefined || process.exitCode !== null || process.signalCode !== null) {
      if (process !== undefined) await exitOf(process);
      start(store, index);
    }
  }
}

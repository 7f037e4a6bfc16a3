// A member that is removed, loses its data, and joins again as a new one at the same place.
import { rmSync } from 'node:fs';
import { api } from '@drydock/etcd/rpc/api.ts';
import type { Client } from '@grpc/grpc-js';
import { unaryCall } from '../integration/store/client.ts';
import { type Store, until } from '../integration/store/members.ts';
import type { Target } from './faults.ts';

const askMs = 5000;
const joinMaxMs = 90_000;
const joinTriesMax = 3;

/** Members that joined: where one of them has not got far, it has to join again. */
const joined = new WeakMap<Store, Set<number>>();

export function start(store: Store, index: number): void {
  store.startMember(index, joined.get(store)?.has(index) ? store.joinFlags() : []);
}

export async function replaceMember(target: Target) {
  const { store, clients, random } = target;
  const one = random.int(store.members.length);
  const other = clients[(one + 1) % clients.length];
  const text = `member ${one + 1} is removed`;
  if (other === undefined || !(await remove(store, other, one))) return { heal: () => {}, text: `${text}, which is refused` };
  await store.stopMember(one, 'SIGKILL');
  rmSync(store.members[one]?.dataDir ?? '', { recursive: true, force: true });
  joined.set(store, (joined.get(store) ?? new Set()).add(one));
  const heal = async (): Promise<void> => {
    let why = '';
    const added = async (): Promise<boolean> => {
      why = await add(store, other, one);
      return why === '';
    };
    await until(`member ${one + 1} is added`, added, joinMaxMs).catch((cause) => {
      throw new Error(`member ${one + 1} cannot be added: ${why}`, { cause });
    });
    // It ends where nobody tells it of the cluster in time, as etcd does; whoever runs it starts it again.
    for (let left = joinTriesMax; left > 0; left--) {
      start(store, one);
      const error = await store.ready().catch((cause: unknown) => cause);
      if (error === undefined) return;
      if (left === 1) throw error;
      await store.stopMember(one, 'SIGKILL');
    }
  };
  return { heal, text: `${text} and loses its data` };
}

/** The id of the member with the URL of `index`, as a member that answers has it. */
async function idOf(store: Store, asked: Client, index: number): Promise<bigint | undefined> {
  const { members } = await unaryCall(asked, api.memberList, { linearizable: true }, askMs);
  return members.find(({ peerURLs }) => peerURLs.includes(store.peerUrl(index)))?.ID;
}

/** Whether it is gone; false where the cluster does not want to lose it, as while others are away. */
async function remove(store: Store, asked: Client, index: number): Promise<boolean> {
  try {
    const ID = await idOf(store, asked, index);
    if (ID !== undefined) await unaryCall(asked, api.memberRemove, { ID }, askMs);
    return true;
  } catch {
    // Without an answer it may have been removed, or still will be.
    const gone = async (): Promise<boolean> => (await idOf(store, asked, index)) === undefined;
    return gone().catch(() => false);
  }
}

/** Why it is not there yet; empty when it is. */
async function add(store: Store, asked: Client, index: number): Promise<string> {
  try {
    if ((await idOf(store, asked, index)) !== undefined) return '';
    const request = { peerURLs: [store.peerUrl(index)] };
    await unaryCall(asked, api.memberAdd, request, askMs);
    return '';
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

// Changes of a store's membership through its API, and what the members say about it.
import { api } from '@drydock/etcd/rpc/api.ts';
import { KeyValue, type Member } from '@drydock/etcd/rpc/messages.ts';
import { decode } from '@drydock/etcd/rpc/protobuf.ts';
import type { StoreClient } from './client.ts';
import { type Store, until } from './members.ts';
import { rpcErrors } from './rpc-errors.ts';

/** For what must not succeed, and for what takes no longer where it does. */
const patienceMs = 3000;

/** Asks member `at` for its list. */
export async function memberList(client: StoreClient, at: number): Promise<Member[]> {
  return (await client.call(at, api.memberList, { linearizable: true })).members;
}

export async function addMember(client: StoreClient, at: number, peerUrl: string, isLearner = false): Promise<Member> {
  const request = { peerURLs: [peerUrl], isLearner };
  const { member } = await client.call(at, api.memberAdd, request);
  if (member === undefined) throw new Error('an answer without a member');
  return member;
}

export async function removeMember(client: StoreClient, at: number, ID: bigint): Promise<void> {
  await client.call(at, api.memberRemove, { ID });
}

export async function promoteMember(client: StoreClient, at: number, ID: bigint): Promise<void> {
  await client.call(at, api.memberPromote, { ID });
}

export async function moveMember(client: StoreClient, at: number, ID: bigint, peerUrl: string): Promise<void> {
  const request = { ID, peerURLs: [peerUrl] };
  await client.call(at, api.memberUpdate, request);
}

/** Asks member `at`, which must lead, to hand over. */
export async function moveLeader(client: StoreClient, at: number, targetID: bigint): Promise<void> {
  await client.call(at, api.moveLeader, { targetID });
}

/** Whether member `at` has acknowledged the write in time. */
export async function putAt(client: StoreClient, at: number, key: string, value: string, lease = 0n): Promise<boolean> {
  const request = { key, value: Buffer.from(value), lease };
  const done = client.call(at, api.put, request, patienceMs);
  return (await refusal(done)) === 'done';
}

export async function grantLease(client: StoreClient, at: number, seconds: number): Promise<bigint> {
  return (await client.call(at, api.leaseGrant, { TTL: seconds })).ID;
}

/** What member `at` has as the value of a key; undefined where it has none. Rejects where it does not say so in time. */
export async function valueAt(client: StoreClient, at: number, key: string, serializable = false): Promise<string | undefined> {
  const request = { key, serializable };
  const { kvs } = await client.call(at, api.range, request, patienceMs);
  return kvs[0] === undefined ? undefined : decode(KeyValue, kvs[0]).value.toString();
}

/** Why a call was refused, in the words of the store; `done` where it was not. */
export function refusal(call: Promise<unknown>): Promise<string> {
  return call.then(
    () => 'done',
    (error: { details?: string }) => error.details ?? String(error),
  );
}

/** What a member says it is; undefined where it does not answer. */
export async function memberStatus(client: StoreClient, at: number) {
  return client.call(at, api.status, {}).catch(() => undefined);
}

/** The id of the member that runs as number `index` of the store. */
export async function idOf(client: StoreClient, index: number): Promise<bigint> {
  return (await client.call(index, api.status, {})).header?.member_id ?? 0n;
}

/**
 * The first entry that a member still has in its log, 0 before the log was ever cut. Writes alone do not cut it: it is kept as far
 * as the data of the member is not durable.
 */
export function firstIndex(store: Store, index: number): number {
  const cuts = [...store.log(index).matchAll(/compacted the log.*"firstIndex":(\d+)/g)];
  return Number(cuts.at(-1)?.[1] ?? 0);
}

/** What a cluster says that is not calm yet: its members must be connected for some seconds, and have said what they are called. */
const notYetCalm = ['etcdserver: unhealthy cluster', 'etcdserver: re-configuration failed due to not enough started members'];

/** Tries a change until the cluster is calm enough for it. */
export async function whenHealthy<T>(change: () => Promise<T>): Promise<T> {
  let result: { value: T } | undefined;
  await until('the cluster is healthy enough for a change', async () => {
    try {
      result = { value: await change() };
      return true;
    } catch (error) {
      if (!notYetCalm.includes((error as { details?: string }).details ?? '')) throw error;
      return false;
    }
  });
  if (result === undefined) throw new Error('no result');
  return result.value;
}

/** Whether the member has applied that it votes: before that it answers as a learner. */
async function votes(client: StoreClient, index: number): Promise<boolean> {
  try {
    await memberList(client, index);
    return true;
  } catch (error) {
    if ((error as { details?: string }).details !== rpcErrors.NotSupportedForLearner[1]) throw error;
    return false;
  }
}

/** Adds a member, starts it and waits until it is one of the cluster; gives its index and id. */
export async function grow(store: Store, client: StoreClient, learner = false): Promise<{ index: number; id: bigint }> {
  const before = [...store.members.keys()].filter((i) => store.members[i]?.process?.exitCode === null);
  const index = await store.place();
  const { ID: id } = await whenHealthy(() => addMember(client, before[0] ?? 0, store.peerUrl(index), learner));
  store.startMember(index, store.joinFlags([...before, index]));
  await store.ready();
  await until(`member ${index} has caught up`, async () => {
    const own = (await memberList(client, before[0] ?? 0)).find(({ ID }) => ID === id);
    return own?.name === store.members[index]?.name;
  });
  if (!learner) await until(`member ${index} knows that it votes`, () => votes(client, index));
  return { index, id };
}

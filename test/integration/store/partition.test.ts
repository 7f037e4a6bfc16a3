// What three processes do when the network between them is cut, or one of them stands still. FAILURE-MODES 5.1, rows
// 1 and 3 to 6 and 9.
import { describe, expect, test } from 'vitest';
import type { StoreClient } from './client.ts';
import { grantLease, memberStatus, putAt, refusal, valueAt } from './cluster.ts';
import { type StartedStore, storesOfTest } from './fixture.ts';
import { type StoreOptions, until } from './members.ts';

const minuteMs = 60_000;
const leaseSeconds = 4;

const stores = storesOfTest();

async function start(options: Partial<StoreOptions> = {}): Promise<StartedStore & { leader: number }> {
  const started = await stores.start({ size: 3, cuttable: true, ...options });
  await until('the store answers', () => started.client.put('before', 'value'));
  return { ...started, leader: await started.client.leader() };
}

/** The members other than `index`. */
const others = (index: number): [number, number] => {
  const [a = 0, b = 0] = [0, 1, 2].filter((i) => i !== index);
  return [a, b];
};

const termOf = async (client: StoreClient, at: number): Promise<number> => (await memberStatus(client, at))?.raftTerm ?? 0;

/** The leader in the eyes of one member; 0n where it knows none. */
const leaderAt = async (client: StoreClient, at: number): Promise<bigint> => (await memberStatus(client, at))?.leader ?? 0n;

describe('cuts', () => {
  test('a leader in the minority steps down, what it was given meanwhile is not acknowledged and not there', {
    timeout: 2 * minuteMs,
  }, async () => {
    const { store, client, leader } = await start();
    const [a, b] = others(leader);
    store.network.isolate(leader);
    const lost = putAt(client, leader, 'lost', 'value');
    expect(await refusal(valueAt(client, leader, 'before'))).not.toBe('done');
    await until('it knows that it does not lead', async () => (await leaderAt(client, leader)) === 0n);
    await until('the majority goes on', () => putAt(client, a, 'after', 'value'));
    expect(await lost).toBe(false);
    expect(await leaderAt(client, a)).toBe(await leaderAt(client, b));
    const term = await termOf(client, a);
    store.network.heal();
    await until('all agree', () => client.agree());
    expect(await valueAt(client, leader, 'lost')).toBeUndefined();
    expect(await valueAt(client, leader, 'after')).toBe('value');
    // PreVote: who comes back disturbs nobody.
    expect(await termOf(client, a)).toBe(term);
  });

  // Upstream has the same limit: a follower that still hears the leader votes for nobody else.
  test('two members that do not see each other, and a third that sees both: the leader stays, the other waits', {
    timeout: 2 * minuteMs,
  }, async () => {
    const { store, client, leader } = await start();
    const [a] = others(leader);
    const term = await termOf(client, leader);
    store.network.cut(leader, a);
    await until('the one that does not hear the leader knows it', async () => (await leaderAt(client, a)) === 0n);
    for (let i = 0; i < 10; i++) expect(await putAt(client, leader, `during${i}`, 'value')).toBe(true);
    expect(await termOf(client, leader)).toBe(term);
    store.network.heal();
    await until('all agree', () => client.agree());
    expect(await termOf(client, leader)).toBe(term);
  });

  test('a member that sends but does not hear raises no terms', { timeout: 2 * minuteMs }, async () => {
    const { store, client, leader } = await start();
    const [deaf, other] = others(leader);
    const term = await termOf(client, leader);
    store.network.cutOneWay(leader, deaf);
    store.network.cutOneWay(other, deaf);
    await until('it misses its leader', async () => (await leaderAt(client, deaf)) === 0n);
    for (let i = 0; i < 10; i++) expect(await putAt(client, leader, `during${i}`, 'value')).toBe(true);
    expect(await termOf(client, leader)).toBe(term);
    store.network.heal();
    await until('all agree', () => client.agree());
    expect(await termOf(client, leader)).toBe(term);
  });

  test('a leader that sends but does not hear steps down', { timeout: 2 * minuteMs }, async () => {
    const { store, client, leader } = await start();
    const [a, b] = others(leader);
    store.network.cutOneWay(a, leader);
    store.network.cutOneWay(b, leader);
    await until('the others go on without it', () => putAt(client, a, 'after', 'value'));
    expect(await leaderAt(client, a)).not.toBe(await leaderAt(client, leader));
    store.network.heal();
    await until('all agree', () => client.agree());
  });
});

describe('processes', () => {
  test('a follower ends: writes go on, and it catches up', { timeout: 2 * minuteMs }, async () => {
    const { store, client, leader } = await start();
    const [a] = others(leader);
    await store.stopMember(a, 'SIGKILL');
    for (let i = 0; i < 20; i++) expect(await putAt(client, leader, `during${i}`, 'value')).toBe(true);
    store.startMember(a);
    await store.ready();
    await until('it has caught up', () => client.agree());
  });

  test('a majority ends: nothing is acknowledged, no lease expires; both go on when it is back', {
    timeout: 2 * minuteMs,
  }, async () => {
    const { store, client, leader } = await start();
    const [a, b] = others(leader);
    const lease = await grantLease(client, leader, leaseSeconds);
    const grantedMs = performance.now();
    await putAt(client, leader, 'leased', 'value', lease);
    await store.stopMember(a, 'SIGKILL');
    await store.stopMember(b, 'SIGKILL');
    expect(await putAt(client, leader, 'during', 'value')).toBe(false);
    expect(await refusal(valueAt(client, leader, 'before'))).not.toBe('done');
    expect(await valueAt(client, leader, 'before', true)).toBe('value');
    await until('the time of the lease is over', () => performance.now() - grantedMs > leaseSeconds * 1000);
    expect(await valueAt(client, leader, 'leased', true)).toBe('value');
    store.startMember(a);
    store.startMember(b);
    await store.ready();
    await until('it goes on', () => client.put('after', 'value'));
    expect(await valueAt(client, a, 'leased')).toBe('value');
    await until(
      'the lease expires once there is somebody to say so',
      async () => (await valueAt(client, a, 'leased')) === undefined,
    );
  });

  test('a leader that stood still serves no stale read', { timeout: 2 * minuteMs }, async () => {
    const { store, client, leader } = await start();
    const [a] = others(leader);
    process.kill(store.pid(leader), 'SIGSTOP');
    await until('the others have another leader', () => putAt(client, a, 'before', 'newer'));
    // It waits in the socket until the member wakes up, and still believes to lead.
    const read = valueAt(client, leader, 'before');
    process.kill(store.pid(leader), 'SIGCONT');
    expect(await read).toBe('newer');
    await until('all agree', () => client.agree());
  });
});

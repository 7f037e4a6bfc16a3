// A store whose members come, go and move, as processes.
import { afterEach, describe, expect, test } from 'vitest';
import { StoreClient } from './client.ts';
import { firstIndex, grow, idOf, memberList } from './cluster.ts';
import { Store, type StoreOptions, until } from './members.ts';

const minuteMs = 60_000;

let store: Store | undefined;
let client: StoreClient | undefined;

afterEach(async () => {
  client?.close();
  await store?.stop();
  store = undefined;
});

async function start(options: StoreOptions): Promise<{ store: Store; client: StoreClient }> {
  store = await Store.start(options);
  client = new StoreClient(store);
  const started = client;
  await until('the store answers', () => started.put('first', 'value'));
  return { store, client };
}

describe('a store that grows', () => {
  test('one, two, three members; by log and by snapshot', { timeout: 2 * minuteMs }, async () => {
    const { store, client } = await start({
      size: 1,
      tls: true,
      flags: ['--snapshot-count=20', '--experimental-snapshot-catchup-entries=5'],
    });
    for (let i = 0; firstIndex(store, 0) < 50; i++) await client.put(`k${i}`, `${i}`);
    const second = await grow(store, client);
    await until('the second member has everything', () => client.agree());
    expect(store.log(second.index)).toMatch(/installed a snapshot/);
    expect(await idOf(client, second.index)).toBe(second.id);
    await grow(store, client);
    await until('the third member has everything', () => client.agree());
    const members = await memberList(client, 2);
    expect(members.map(({ name }) => name).sort()).toEqual(['m1', 'm2', 'm3']);
    await store.stopMember(0, 'SIGKILL');
    await until('two of three are enough', () => client.put('after', 'value'));
  });
});

// Elections by an annotation of a ConfigMap; those by a Lease are in leader-election.test.ts.
import type { ConfigMap } from '@drydock/api/generated/types.ts';
import { configMaps } from '@drydock/api/resource.ts';
import { silentLog } from '@drydock/foundation/log.ts';
import { SeededRandom } from '@drydock/foundation/random.ts';
import { VirtualClock } from '@drydock/foundation/virtual-clock.ts';
import { expect, test } from 'vitest';
import { electionLock, recordAnnotation } from './election-lock.ts';
import { runElection } from './leader-election.ts';
import { MemoryApi } from './testing/memory-api.ts';
import { MemoryStore } from './testing/memory-store.ts';

const key = { namespace: 'ingress-nginx', name: 'ingress-controller-leader-nginx' };

function candidates() {
  const clock = new VirtualClock();
  const store = new MemoryStore();
  const client = new MemoryApi({ clock, random: new SeededRandom(1) }, store);
  const leaders: string[] = [];
  const start = (identity: string): AbortController => {
    const stop = new AbortController();
    const random = new SeededRandom(identity);
    const own = { client: new MemoryApi({ clock, random }, store), clock, random, log: silentLog };
    const onStartedLeading = () => void leaders.push(identity);
    void runElection({ ...own, lease: key, lock: 'configmaps', identity, onStartedLeading, onLost: () => {} }, stop.signal);
    return stop;
  };
  const record = async () => {
    const { metadata } = await client.get<ConfigMap>(configMaps, key);
    return JSON.parse(metadata?.annotations?.[recordAnnotation] ?? '') as Record<string, unknown>;
  };
  return { client, clock, leaders, start, record };
}

test('one of two leads; when it ends it gives up, and the other follows', async () => {
  const { clock, leaders, record, start } = candidates();
  const first = start('a');
  await clock.advanceAsync(1);
  start('b');
  await clock.advanceAsync(10_000);
  expect(leaders).toEqual(['a']);
  expect(await record()).toMatchObject({ holderIdentity: 'a', leaseDurationSeconds: 15, leaderTransitions: 0 });
  expect((await record()).renewTime).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
  first.abort();
  await clock.advanceAsync(10_000);
  expect(leaders).toEqual(['a', 'b']);
  expect(await record()).toMatchObject({ holderIdentity: 'b', leaderTransitions: 1 });
});

test('what else the ConfigMap says stays; a record that nobody can read is nobody’s', async () => {
  const { client, clock, leaders, record, start } = candidates();
  const annotations = { [recordAnnotation]: 'not JSON', other: 'stays' };
  await client.create<ConfigMap>(configMaps, { metadata: { ...key, annotations }, data: { a: '1' } });
  start('a');
  await clock.advanceAsync(1);
  expect(leaders).toEqual(['a']);
  expect(await record()).toMatchObject({ holderIdentity: 'a' });
  const { data, metadata } = await client.get<ConfigMap>(configMaps, key);
  expect([data, metadata?.annotations?.other]).toEqual([{ a: '1' }, 'stays']);
});

test('what was written on something that has changed since is refused', async () => {
  const { client } = candidates();
  const [one, two] = [electionLock('configmaps', client, key), electionLock('configmaps', client, key)];
  const made = await one.create({ holderIdentity: 'a' }, {});
  await two.update(await two.get({}), { holderIdentity: 'b' }, {});
  await expect(one.update(made, { holderIdentity: 'a' }, {})).rejects.toMatchObject({ reason: 'Conflict' });
});

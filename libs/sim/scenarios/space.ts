// Space: FAILURE-MODES 5.1, rows 18 and 21.
import { api } from '@drydock/etcd/rpc/api.ts';
import { alarmAction, alarmType } from '@drydock/etcd/rpc/messages.ts';
import type { MemberHost } from '../member-host.ts';
import type { Scenario } from './scenario.ts';
import type { Stage } from './stage.ts';

const value = 'x'.repeat(5000);

async function alarms(stage: Stage, host: MemberHost): Promise<readonly bigint[]> {
  const answer = await stage.client('operator').call(host, api.alarm, { action: alarmAction.get });
  return answer.alarms.filter(({ alarm }) => alarm === alarmType.noSpace).map(({ memberID }) => memberID);
}

function hasCompacted(member: MemberHost['member'], revision: number): boolean {
  const store = member?.machine.store;
  return store?.compactRevision === revision && !store.compacting;
}

/** The quota is reached, the leader dies with the alarm, and space comes back as etcd's documentation says. */
export const noSpace: Scenario = {
  name: 'no-space',
  stage: { size: 3, quotaBytes: 200_000 },
  play: async (stage) => {
    const first = await stage.start();
    await stage.put(first, 'kept', 'before');
    const refusals: string[] = [];
    for (let i = 0; refusals.length === 0 && i < 200; i++) {
      if ((await stage.ask('writer', first, { kind: 'put', key: `k${i % 4}`, value })) !== undefined) continue;
      refusals.push(stage.recorder.operations.at(-1)?.outcome.kind ?? '');
    }
    stage.expect('the store is full in time', refusals.length > 0);
    await stage.sleep(1);
    for (const host of stage.hosts) stage.expect(`${host.name} knows of the alarm`, (await alarms(stage, host)).length > 0);
    first.kill(true);
    const leader = await stage.leader(stage.others(first));
    first.start();
    for (const host of stage.others(first)) {
      const taken = await stage.ask('writer', host, { kind: 'put', key: 'small', value: '' });
      stage.expect('no write, whoever leads', taken === undefined);
      const lease = await stage.ask('writer', host, { kind: 'leaseGrant', lease: '0', ttlSeconds: 10 });
      stage.expect('no lease', lease === undefined);
    }
    stage.expect('reads go on', (await stage.get(leader, 'kept'))?.value === 'before');
    const { revision } = await stage.done(leader, { kind: 'delete', key: 'k0' });
    await stage.done(leader, { kind: 'compact', revision, physical: true });
    await stage.until('the one that died is back', 20, () => first.serving !== undefined);
    for (const host of stage.hosts) {
      await stage.until(`${host.name} has compacted`, 20, () => hasCompacted(host.member, revision));
      await stage.client('operator').call(host, api.defragment, {});
    }
    const disarm = { action: alarmAction.deactivate, alarm: alarmType.noSpace };
    for (const memberID of await alarms(stage, leader)) {
      await stage.client('operator').call(leader, api.alarm, { ...disarm, memberID });
    }
    for (const host of stage.hosts) await stage.put(host, 'again', host.name);
    for (const host of stage.hosts) stage.expect('no alarm is left', (await alarms(stage, host)).length === 0);
  },
};

/** The leader, then all at once, are defragmented while clients write through every member. */
export const defragmentUnderLoad: Scenario = {
  name: 'defragment-under-load',
  stage: { size: 3 },
  play: async (stage) => {
    const leader = await stage.start();
    let last = 0;
    for (let i = 0; i < 100; i++) last = await stage.put(leader, `k${i % 4}`, value);
    // Until it has reached the files.
    await stage.sleep(1);
    await stage.done(leader, { kind: 'compact', revision: last, physical: true });
    await stage.until('all have compacted', 20, () => stage.hosts.every(({ member }) => hasCompacted(member, last)));
    const watching = stage.watch(leader, 'w', { key: 'k', end: 'l' });
    await stage.until('it is created', 5, () => watching.created);
    const term = leader.member?.replica.term();
    const sizeOf = (host: MemberHost): number => host.member?.machine.backend.sizes().totalBytes ?? 0;
    const before = stage.hosts.map(sizeOf);
    const written: number[] = [];
    for (const some of [[leader], stage.hosts]) {
      let running = some.length;
      const calls = some.map(async (host) => {
        await stage.client(`operator of ${host.name}`).call(host, api.defragment, {});
        running--;
      });
      for (let i = 0; running > 0; i++) {
        const host = stage.hosts[i % stage.hosts.length] ?? leader;
        const began = stage.world.nowUs;
        written.push(await stage.put(host, `k${i % 4}`, `${i}`));
        stage.expect('a write does not wait for it', stage.world.nowUs - began < 150_000);
      }
      await Promise.all(calls);
    }
    stage.expect('something was written meanwhile', written.length > 10);
    stage.expect(
      'space is given back',
      stage.hosts.every((host, i) => sizeOf(host) < (before[i] ?? 0)),
    );
    stage.expect('the leader stays', leader.member?.replica.term() === term);
    await stage.until('the watcher has everything', 10, () => watching.events.length === written.length);
    const told = watching.events.map(({ kv }) => kv.modRevision);
    stage.expect('in order, each once', told.join() === written.join());
  },
};

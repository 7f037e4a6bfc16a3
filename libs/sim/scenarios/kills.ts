// Members that die: FAILURE-MODES 5.1, rows 1 to 3.
import { api } from '@drydock/etcd/rpc/api.ts';
import type { Scenario } from './scenario.ts';

export const killFollower: Scenario = {
  name: 'kill-follower',
  stage: { size: 3 },
  play: async (stage) => {
    const leader = await stage.start();
    const [follower] = stage.others(leader);
    if (follower === undefined) return;
    follower.kill(false);
    const begun = stage.world.nowUs;
    for (let i = 0; i < 20; i++) await stage.put(leader, `k${i}`, 'while one is away');
    stage.expect('writes go on without a pause', stage.world.nowUs - begun < 1_000_000);
    follower.start();
    await stage.until(
      'it catches up',
      20,
      () => follower.member?.machine.store.revision === leader.member?.machine.store.revision,
    );
  },
};

export const killLeader: Scenario = {
  name: 'kill-leader',
  stage: { size: 3 },
  play: async (stage) => {
    const leader = await stage.start();
    const [other] = stage.others(leader);
    if (other === undefined) return;
    const granted = await stage.done(other, { kind: 'leaseGrant', lease: '77', ttlSeconds: 5 });
    stage.expect('a lease is granted', granted.kind === 'leaseGrant');
    await stage.put(other, 'leased', 'x', '77');
    await stage.put(leader, 'acknowledged', 'before');
    const unanswered = stage.ask('unlucky', leader, { kind: 'put', key: 'unlucky', value: 'x' });
    await stage.sleep(4);
    await stage.done(other, { kind: 'leaseKeepAlive', lease: '77' });
    const begun = stage.world.nowUs;
    leader.kill(true);
    const next = await stage.leader(stage.others(leader));
    stage.expect('a new leader within three election timeouts', stage.world.nowUs - begun < 3_000_000);
    stage.expect('what was acknowledged is there', (await stage.get(next, 'acknowledged'))?.value === 'before');
    await stage.sleep(4.5 - (stage.world.nowUs - begun) / 1_000_000);
    stage.expect('no lease ends early', (await stage.get(next, 'leased')) !== undefined);
    await unanswered;
    leader.start();
    await stage.until('the old one comes back', 20, () => leader.serving !== undefined);
    stage.expect('and has it too', (await stage.get(leader, 'acknowledged'))?.value === 'before');
  },
};

export const killMajority: Scenario = {
  name: 'kill-majority',
  stage: { size: 3 },
  play: async (stage) => {
    const leader = await stage.start();
    const [survivor, other] = stage.others(leader);
    if (survivor === undefined || other === undefined) return;
    await stage.done(leader, { kind: 'leaseGrant', lease: '5', ttlSeconds: 5 });
    await stage.put(leader, 'leased', 'x', '5');
    leader.kill(true);
    other.kill(false);
    const refused = await stage.ask('reader', survivor, { kind: 'range', key: 'leased' });
    stage.expect('a read that has to be current is not answered', refused === undefined);
    const stale = await stage.ask('reader', survivor, { kind: 'range', key: 'leased', serializable: true });
    stage.expect('one that need not be is', stale?.kind === 'range' && stale.kvs.length === 1);
    stage.expect(
      'a write is not acknowledged',
      (await stage.ask('reader', survivor, { kind: 'put', key: 'a', value: 'b' })) === undefined,
    );
    leader.start();
    other.start();
    const back = await stage.leader();
    stage.expect('no lease has ended while nobody could renew it', (await stage.get(back, 'leased')) !== undefined);
    await stage.until('it ends later', 20, () => back.member?.machine.store.keys === 0);
  },
};

/** The leader of two is removed, and its word that this is committed is lost: the other must find out, or it waits forever. */
export const removedLeaderOfTwo: Scenario = {
  name: 'removed-leader-of-two',
  stage: { size: 2 },
  play: async (stage) => {
    const leader = await stage.start();
    const [other] = stage.others(leader);
    if (other === undefined) return;
    // Members count as healthy after some time.
    await stage.sleep(6);
    const { peers } = stage.cluster;
    const { onSend } = peers;
    peers.onSend = (message) => {
      const word = message.type === 'appendRequest' && message.from === leader.id && message.entries.length === 0;
      return word ? undefined : onSend(message);
    };
    const removal = stage.client('operator').call(leader, api.memberRemove, { ID: leader.id });
    removal.catch(() => undefined);
    await stage.until('the removed one ends', 10, () => leader.life === undefined);
    await stage.until('the other leads alone', 10, () => other.member?.replica.leader() === other.id);
    await stage.put(other, 'k', 'alone');
  },
};

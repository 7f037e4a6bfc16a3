// Processes that stand still, and clocks that jump: FAILURE-MODES 5.1, rows 9, 26 and 27.
import type { MemberHost } from '../member-host.ts';
import type { Scenario } from './scenario.ts';

export const pausedLeader: Scenario = {
  name: 'paused-leader',
  stage: { size: 3 },
  play: async (stage) => {
    for (let round = 0; round < 5; round++) {
      const old = round === 0 ? await stage.start() : await stage.leader();
      await stage.put(old, 'k', `before ${round}`);
      old.life?.pause();
      const next = await stage.leader(stage.others(old));
      const written = await stage.put(next, 'k', `after ${round}`);
      // The read waits in the socket of the one that stands still, which believes to lead when it wakes.
      const read = stage.ask('reader', old, { kind: 'range', key: 'k' });
      await stage.sleep(0.01);
      old.life?.resume();
      const response = await read;
      const revision = response?.kind === 'range' ? response.kvs[0]?.modRevision : undefined;
      stage.expect(`no stale read: ${revision}`, revision === undefined || revision >= written);
    }
  },
};

/** The old leader wakes with leases that are over by its own count, and must not have them revoked by the new one. */
export const pausedLeaderWithLeases: Scenario = {
  name: 'paused-leader-with-leases',
  stage: { size: 3 },
  play: async (stage) => {
    const old = await stage.start();
    await stage.done(old, { kind: 'leaseGrant', lease: '7', ttlSeconds: 4 });
    await stage.put(old, 'leased', 'x', '7');
    old.life?.pause();
    const next = await stage.leader(stage.others(old));
    for (let i = 0; i < 4; i++) {
      await stage.sleep(1);
      await stage.done(next, { kind: 'leaseKeepAlive', lease: '7' });
    }
    old.life?.resume();
    await stage.sleep(2);
    stage.expect('the lease lives', (await stage.get(next, 'leased')) !== undefined);
  },
};

/**
 * Mutual exclusion by a lease holds only as long as the holder runs: when it goes on, two believe to hold the lock. What holds is the
 * fence: a write that compares the key fails. The same for a leader that was elected.
 */
export const pausedLockHolder: Scenario = {
  name: 'paused-lock-holder',
  stage: { size: 3 },
  play: async (stage) => {
    const leader = await stage.start();
    const [elsewhere = leader] = stage.others(leader);
    for (const election of [false, true]) {
      const lock = async (who: string, host: MemberHost): Promise<string> => {
        const granted = await stage.ask(who, host, { kind: 'leaseGrant', lease: '0', ttlSeconds: 2 });
        const lease = granted?.kind === 'leaseGrant' ? granted.lease : '0';
        const held = await stage.ask(who, host, { kind: 'lock', name: 'lock', lease, ...(election ? { election } : {}) });
        return held?.kind === 'lock' ? held.key : '';
      };
      const write = async (who: string, key: string): Promise<boolean> => {
        const response = await stage.ask(who, leader, {
          kind: 'txn',
          compare: [{ key, target: 'createRevision', is: '>', to: '0' }],
          success: [{ kind: 'put', key: 'data', value: who }],
          failure: [],
        });
        return response?.kind === 'txn' && response.succeeded;
      };
      const first = await lock('first', leader);
      stage.expect('the first holds the lock', first !== '' && (await write('first', first)));
      const began = stage.world.nowUs;
      // The first stands still here, without renewing, and believes to hold the lock when it goes on.
      const second = await lock('second', elsewhere);
      stage.expect('another holds it, when the lease has ended', second !== '' && stage.world.nowUs - began > 1_500_000);
      stage.expect('a write of the first is fenced off', !(await write('first', first)));
      stage.expect('one of the second is not', await write('second', second));
      await stage.sleep(6);
    }
  },
};

export const clockJumps: Scenario = {
  name: 'clock-jumps',
  stage: { size: 3 },
  play: async (stage) => {
    const leader = await stage.start();
    await stage.done(leader, { kind: 'leaseGrant', lease: '9', ttlSeconds: 6 });
    await stage.put(leader, 'leased', 'x', '9');
    const term = leader.member?.replica.term();
    const begun = stage.world.nowUs;
    const hour = 3_600_000;
    for (const [i, host] of stage.hosts.entries()) host.time.wallOffsetMs += (i - 1) * 1000 * hour;
    await stage.sleep(5);
    stage.expect('no lease ends early', (await stage.get(leader, 'leased')) !== undefined);
    for (const host of stage.hosts) host.time.wallOffsetMs -= 5 * hour;
    await stage.until('it ends when its time is over', 10, () => leader.member?.machine.store.keys === 0);
    stage.expect('not before', stage.world.nowUs - begun >= 6_000_000);
    stage.expect('Raft has not noticed', leader.member?.replica.term() === term);
  },
};
